//! Content codings: which precompressed form of a file a client takes.

/// How the bytes of a file's sibling are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::front) enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    /// Every coding, the densest first.
    pub(in crate::front) const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// The name in `Accept-Encoding` and `Content-Encoding`.
    pub(in crate::front) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// What the sibling's name ends with.
    pub(in crate::front) const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
        }
    }
}

/// A client's `Accept-Encoding`, each weight in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::front) struct Accepted {
    codings: [Option<u16>; 3],
    any: Option<u16>,
    identity: Option<u16>,
}

impl Accepted {
    /// Reads the header; what cannot be understood is passed over.
    pub(in crate::front) fn parse(header: &str) -> Self {
        let mut accepted = Self::default();
        for item in header.split(',') {
            let mut parts = item.split(';');
            let name = parts.next().unwrap_or_default().trim();
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Some(1000), thousandths);
            let Some(weight) = weight else { continue };
            if name == "*" {
                accepted.any = Some(weight);
            } else if name.eq_ignore_ascii_case("identity") {
                accepted.identity = Some(weight);
            } else if let Some(index) = Coding::ALL.iter().position(|coding| is_name(name, *coding)) {
                accepted.codings[index] = Some(weight);
            }
        }
        accepted
    }

    /// The coding that the client wants most, and of equals the densest.
    pub(in crate::front) fn best(&self) -> Option<Coding> {
        Coding::ALL
            .into_iter()
            .rev()
            .filter_map(|coding| Some((self.weight(coding)?, coding)))
            .max_by_key(|(weight, _)| *weight)
            .map(|(_, coding)| coding)
    }

    /// How much the client wants a coding; `None` when it does not take it, or wants the plain bytes more.
    pub(in crate::front) fn weight(&self, coding: Coding) -> Option<u16> {
        let index = Coding::ALL.iter().position(|known| *known == coding)?;
        let weight = self.codings[index].or(self.any).filter(|weight| *weight > 0)?;
        (weight >= self.identity.unwrap_or(0)).then_some(weight)
    }
}

fn is_name(name: &str, coding: Coding) -> bool {
    name.eq_ignore_ascii_case(coding.name()) || (coding == Coding::Gzip && name.eq_ignore_ascii_case("x-gzip"))
}

/// `0.8` as 800; `None` for what is no weight.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match whole {
        "1" => fraction.bytes().all(|byte| byte == b'0').then_some(1000),
        "0" => format!("{fraction:0<3}").parse().ok(),
        _ => None,
    }
}
