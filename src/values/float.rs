//! `real` and `double precision` as text: the fewest digits that read back as the same number, laid out as PostgreSQL does.

use super::{Invalid, Type};

/// PostgreSQL's text of a number: plain up to 15 digits before the point (6 for `real`), otherwise with an exponent.
pub(super) fn to_text(value: f64, single: bool) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    #[expect(clippy::cast_possible_truncation, reason = "a real is held as the double it widens to")]
    let shortest = if single { format!("{:e}", value as f32) } else { format!("{value:e}") };
    let Some((mantissa, exponent)) = shortest.split_once('e') else { return shortest };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let plain_below = if single { 6 } else { 15 };
    if exponent < -4 || exponent >= plain_below {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    if single {
        #[expect(clippy::cast_possible_truncation, reason = "a real is held as the double it widens to")]
        return format!("{}", value as f32);
    }
    format!("{value}")
}

/// Reads a number of the type.
pub(super) fn from_text(ty: &Type, text: &str) -> Result<f64, Invalid> {
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let syntax = || Invalid::syntax(&ty.to_string(), text);
    let unsigned = trimmed.trim_start_matches(['+', '-']);
    let named =
        unsigned.eq_ignore_ascii_case("nan") || unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity");
    if !named && !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(syntax());
    }
    let value: f64 = trimmed.parse().map_err(|_| syntax())?;
    let range = || Invalid::range(format!("\"{trimmed}\" is out of range for type {ty}"));
    let is_zero = |text: &str| !text.split(['e', 'E']).next().unwrap_or_default().contains(|c: char| ('1'..='9').contains(&c));
    if matches!(ty, Type::Float4) && value.is_finite() {
        // Read as a single at once: by way of a double it would be rounded twice.
        let single: f32 = trimmed.parse().map_err(|_| syntax())?;
        if single.is_infinite() || (single == 0.0 && !is_zero(trimmed)) {
            return Err(range());
        }
        return Ok(single.into());
    }
    if !named && (value.is_infinite() || (value == 0.0 && !is_zero(trimmed))) {
        return Err(range());
    }
    Ok(value)
}
