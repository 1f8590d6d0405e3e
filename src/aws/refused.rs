//! Why a signature does not do, in AWS's names and words.

/// Why a request's signature does not do. The texts are for the client: they never hold a secret, nor what the server computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no signature.
    #[error("Missing Authentication Token")]
    Missing,
    /// A part of the signature is missing or malformed; says which.
    #[error("{0}")]
    Incomplete(String),
    /// The access key is not one of this server's, or a session token came with it where there are none.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// What the credential is for does not hold; says how.
    #[error("{0}")]
    OutOfScope(String),
    /// The request's date is too far from the server's; says how.
    #[error("{0}")]
    Skewed(String),
    /// The time of a presigned request is over; says since when.
    #[error("{0}")]
    Expired(String),
    /// A header that says what the request does is not signed; says which.
    #[error("{0}")]
    UnsignedHeader(String),
    /// The signature is another.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
         signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// The body is not the one that was signed.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    OtherBody,
}

impl Refused {
    /// The name of Lambda's exception. The status is 403 for each.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::OutOfScope(_)
            | Self::Skewed(_)
            | Self::Expired(_)
            | Self::UnsignedHeader(_)
            | Self::Mismatch
            | Self::OtherBody => "InvalidSignatureException",
        }
    }
}
