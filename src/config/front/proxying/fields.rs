//! The fields of a route that say how its requests are passed on.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{HeaderText, HostHeader};
use crate::config::Raw;
use crate::config::front::{Route, rules, site};
use crate::config::tables::Field;

const TIMES: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);

pub(in crate::config::front) const FIELDS: &[Field<Route>] = &[
    Field {
        key: "host",
        default: "keep",
        meaning: "The Host header that the upstream is told: the client's, the chosen server's, or a fixed one.",
        allowed: "\"keep\", \"server\" or a host's name",
        set: |route, raw| {
            route.proxying.host = match raw.text()? {
                "keep" => HostHeader::Keep,
                "server" => HostHeader::Server,
                name => HostHeader::Fixed(site::host(name).filter(|host| !host.contains('*'))?),
            };
            Some(())
        },
    },
    Field {
        key: "connect_timeout",
        default: "5s",
        meaning: "How long a connection to a server may take to be there, the TLS handshake included.",
        allowed: "a time from 1ms to 24h, such as 500ms or 5s",
        set: |route, raw| raw.duration(TIMES).map(|time| route.proxying.connect_timeout = time),
    },
    Field {
        key: "first_byte_timeout",
        default: "",
        meaning: "How long a server may take to begin its answer once it has the request; read_timeout when it is not said.",
        allowed: "a time from 1ms to 24h, such as 60s",
        set: |route, raw| raw.duration(TIMES).map(|time| route.proxying.first_byte_timeout = Some(time)),
    },
    Field {
        key: "read_timeout",
        default: "60s",
        meaning: "How long a server may be silent before its answer, and between the parts of it.",
        allowed: "a time from 1ms to 24h, such as 60s",
        set: |route, raw| raw.duration(TIMES).map(|time| route.proxying.read_timeout = time),
    },
    Field {
        key: "write_timeout",
        default: "60s",
        meaning: "How long a server may take nothing of a request's body, and a client may send nothing of it.",
        allowed: "a time from 1ms to 24h, such as 60s",
        set: |route, raw| raw.duration(TIMES).map(|time| route.proxying.write_timeout = time),
    },
    Field {
        key: "timeout",
        default: "",
        meaning: "How long all of it may take, from the request's head to the end of the answer; no limit when it is not said.",
        allowed: "a time from 1ms to 24h, such as 5m",
        set: |route, raw| raw.duration(TIMES).map(|time| route.proxying.timeout = Some(time)),
    },
    Field {
        key: "websocket_timeout",
        default: "5m",
        meaning: "How long a WebSocket may be silent on both sides.",
        allowed: "a time from 1ms to 24h, such as 5m",
        set: |route, raw| raw.duration(TIMES).map(|time| route.proxying.websocket_timeout = time),
    },
    Field {
        key: "max_body",
        default: "1GiB",
        meaning: "How large a request's body may be; a larger one is answered 413.",
        allowed: "a number of bytes from 0 to 1024GiB, such as 10MiB",
        set: |route, raw| raw.bytes(0..=1 << 40).map(|bytes| route.proxying.max_body = bytes),
    },
    Field {
        key: "retries",
        default: "2",
        meaning: "How many other servers are tried when one fails and the request may be sent again.",
        allowed: "a whole number from 0 to 10",
        set: |route, raw| raw.whole(0..=10).map(|count| route.proxying.retries = count),
    },
    Field {
        key: "request_headers",
        default: "",
        meaning: "Headers set in the request that is passed on; an empty value takes a header away.",
        allowed: "a table of header names and values, such as { x-real-ip = \"$remote_addr\" }, with $host, $remote_addr, $scheme, \
                  $request_id, $request_method, $request_uri and $http_NAME",
        set: |route, raw| raw.entries(header).map(|headers| route.proxying.request_headers = headers),
    },
    Field {
        key: "rewrite_location",
        default: "false",
        meaning: "Whether a Location that names the upstream's own address becomes one at the client's.",
        allowed: "true or false",
        set: |route, raw| raw.flag().map(|flag| route.proxying.rewrite_location = flag),
    },
];

/// Headers that are the connection's or tell where a message ends: not for a configuration to set.
const RESERVED: [&str; 8] =
    ["connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

fn header(name: &str, value: &Raw<'_>) -> Option<(String, HeaderText)> {
    let (name, value) = rules::header(name, value)?;
    let text = HeaderText::parse(&value)?;
    (!RESERVED.contains(&name.as_str())).then_some((name, text))
}
