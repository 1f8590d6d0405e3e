//! Requests run on both databases against one small shop: each line with what must come of it.

mod calls;
mod fixture;
mod injection;
mod reads;
mod refusals;
mod sql_words;
mod untrusted;
mod writes;

/// Makes two tests of one: `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($(async fn $name:ident($shop:ident: Shop) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn check($shop: Shop) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                check(Shop::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                check(Shop::postgres().await).await;
            }
        }
    )*};
}

use on_both;
