//! A DNS server over UDP whose answers a test decides.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// A DNS server; it ends when this is dropped.
pub struct Dns {
    pub address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

/// What every name is answered with.
#[derive(Clone)]
pub enum Answer {
    /// These addresses, and for how many seconds they hold.
    Addresses(Vec<Ipv4Addr>, u32),
    /// The server failed.
    Failure,
    /// Nothing at all.
    Silence,
}

impl Dns {
    pub async fn start(answer: Answer) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("an address");
        let (answer, asked) = (Arc::new(Mutex::new(answer)), Arc::new(AtomicUsize::new(0)));
        let (said, counted) = (Arc::clone(&answer), Arc::clone(&asked));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut buffer = [0; 2048];
            while let Ok((len, peer)) = socket.recv_from(&mut buffer).await {
                counted.fetch_add(1, Ordering::SeqCst);
                let now = said.lock().expect("no holder panics").clone();
                if let Some(reply) = Message::from_vec(&buffer[..len]).ok().and_then(|asked| reply(&asked, &now)) {
                    let sent = socket.send_to(&reply.to_vec().expect("a message"), peer).await;
                    sent.expect("the asker is there");
                }
            }
        });
        Self { address, answer, asked, _task: task }
    }

    /// Answers otherwise from now on.
    pub fn say(&self, answer: Answer) {
        *self.answer.lock().expect("no holder panics") = answer;
    }

    /// Questions that came.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn reply(asked: &Message, answer: &Answer) -> Option<Message> {
    let mut reply = Message::new();
    reply.set_id(asked.id()).set_message_type(MessageType::Response).set_recursion_available(true);
    reply.set_recursion_desired(true).add_queries(asked.queries().to_vec());
    let query = asked.query()?;
    match answer {
        Answer::Silence => return None,
        Answer::Failure => {
            reply.set_response_code(ResponseCode::ServFail);
        }
        Answer::Addresses(addresses, ttl) if query.query_type() == RecordType::A => {
            let record = |address: &Ipv4Addr| Record::from_rdata(query.name().clone(), *ttl, RData::A(A(*address)));
            reply.add_answers(addresses.iter().map(record));
        }
        Answer::Addresses(..) => {}
    }
    Some(reply)
}
