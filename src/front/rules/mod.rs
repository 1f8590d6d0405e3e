//! What holds for a site's or a route's requests, whoever answers them: who may ask, and what goes along with the answer.
//!
//! ```text
//! Rules::count -> limits (how much?)
//! Rules::admit -> access (which address?) -> cors (is it a preflight?) -> passwords (who?)
//! Rules::finish -> compression -> Cache-Control -> cors -> headers
//! ```

mod apply;
mod apr1;
mod cors;
mod passwords;

pub(super) use self::apply::{Rules, Source};
