//! THE table of the codes that Plinth's own API answers errors with.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:ident, $title:literal;)*) => {
        /// Why a request was refused. The name never changes once it is published.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable name, the last part of a problem's `type`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status it is answered with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// What it means, as a short sentence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    /// The body, the query or a header says something that is not allowed.
    InvalidInput = "invalid_input", BAD_REQUEST, "The request is not valid";
    /// The function's source does not compile, or has no handler.
    InvalidSource = "invalid_source", UNPROCESSABLE_ENTITY, "The source was refused";
    /// A statement of SQL is wrong, or not in the portable subset; the problem's `code` is PostgreSQL's.
    SqlRefused = "sql_refused", BAD_REQUEST, "The SQL was refused";
    /// There is no credential.
    NoCredential = "no_credential", UNAUTHORIZED, "A key or a token is needed";
    /// The credential is malformed, forged, expired, revoked, or its session is over.
    BadCredential = "bad_credential", UNAUTHORIZED, "The key or the token is not valid";
    /// The credential is good, but not for this.
    Forbidden = "forbidden", FORBIDDEN, "Not allowed";
    /// There is nothing of that name.
    NotFound = "not_found", NOT_FOUND, "Not found";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    /// It contradicts what is there.
    Conflict = "conflict", CONFLICT, "In conflict with what is there";
    /// The configuration has errors; the problem lists each with its place.
    InvalidConfiguration = "invalid_configuration", UNPROCESSABLE_ENTITY, "The configuration does not check";
    /// The client was silent for too long in the middle of its request.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request took too long to come";
    /// The body is over the limit.
    TooLarge = "too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The address is over the limit.
    UriTooLong = "uri_too_long", URI_TOO_LONG, "The address is too long";
    /// The headers are over the limit.
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large";
    /// The content type is not one that is taken here.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The content type is not accepted";
    /// A limit of rate or concurrency is reached.
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS, "Too many requests";
    /// The request has gone through too many functions of this server.
    LoopDetected = "loop_detected", LOOP_DETECTED, "The request goes round in circles";
    /// Something in the server failed; the log has it under the request's id.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something failed in the server";
    /// A server that the request was passed on to cannot be reached, or its answer is none.
    BadGateway = "bad_gateway", BAD_GATEWAY, "The server behind this one failed";
    /// A server that the request was passed on to did not answer in time.
    GatewayTimeout = "gateway_timeout", GATEWAY_TIMEOUT, "The server behind this one took too long";
    /// The server's disk, or the database's, is full; nothing was changed.
    StorageFull = "storage_full", INSUFFICIENT_STORAGE, "There is no space left to store it";
    /// A part of the server is not ready, or the database is out of reach.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Not available at the moment";
}
