//! `numeric`: exact decimals with PostgreSQL's scales of results.
//!
//! The rules for scales are those of PostgreSQL's `numeric.c`, as its documentation and its answers show them: a sum has the larger
//! scale of both, a product both together, a quotient at least 16 significant digits.

use std::cmp::Ordering;
use std::fmt;

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::num_traits::{Signed, ToPrimitive, Zero};
use bigdecimal::{BigDecimal, RoundingMode};

use super::Invalid;

/// Digits before the point at the most.
const MAX_DIGITS: i64 = 131_072;
/// Digits after the point at the most.
const MAX_SCALE: i64 = 16_383;
/// A quotient has so many significant digits at least, and so many after the point at the most.
const MIN_SIGNIFICANT: i64 = 16;
const MAX_DISPLAY_SCALE: i64 = 1000;

/// A value of `numeric`. Its scale is part of it (`1.50`), but not of its order.
#[derive(Clone, Debug)]
pub enum Numeric {
    Finite(BigDecimal),
    NaN,
    /// Negative when `true`.
    Infinity(bool),
}

use Numeric::{Finite, Infinity, NaN};

impl Numeric {
    /// An integer, with scale 0.
    #[must_use]
    pub fn int(value: i64) -> Self {
        Finite(BigDecimal::new(value.into(), 0))
    }

    /// A double as PostgreSQL casts it: to 15 significant digits.
    #[must_use]
    pub fn float(value: f64) -> Self {
        if value.is_nan() {
            return NaN;
        }
        if value.is_infinite() {
            return Infinity(value < 0.0);
        }
        Self::parse(&format!("{value:.14e}")).map_or(NaN, Self::without_trailing_zeros)
    }

    /// Reads it: digits with a point, an exponent and a sign, `NaN`, `Infinity`.
    ///
    /// # Errors
    /// 22P02; 22003 when it has more digits than PostgreSQL takes.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
        let syntax = || Invalid::syntax("numeric", text);
        let (negative, digits) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
        };
        match digits.to_ascii_lowercase().as_str() {
            "nan" if digits.len() == trimmed.len() => return Ok(NaN),
            "inf" | "infinity" => return Ok(Infinity(negative)),
            _ => {}
        }
        let (mantissa, exponent) = match digits.find(['e', 'E']) {
            Some(at) => (&digits[..at], Some(&digits[at + 1..])),
            None => (digits, None),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return Err(syntax());
        }
        let exponent = exponent.map_or(Ok(0), |text| read_exponent(text).ok_or_else(syntax))?;
        let overflow = || Invalid::range("value overflows numeric format");
        let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
        if exponent.abs() > MAX_DIGITS || length(whole) + exponent > MAX_DIGITS || length(fraction) - exponent > MAX_SCALE {
            return Err(overflow());
        }
        let value = BigInt::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10).ok_or_else(syntax)?;
        let value = BigDecimal::new(if negative { -value } else { value }, length(fraction) - exponent);
        Ok(Finite(if value.fractional_digit_count() < 0 { value.with_scale(0) } else { value }))
    }

    /// The value rounded to a scale, with no more digits than a precision has room for.
    ///
    /// # Errors
    /// 22003 `numeric field overflow`.
    pub fn fitted(self, precision: u16, scale: u16) -> Result<Self, Invalid> {
        let overflow = || Invalid::range("numeric field overflow");
        match self {
            Finite(value) => {
                let value = value.with_scale_round(scale.into(), RoundingMode::HalfUp);
                if !value.is_zero() && digits_of(&value) > u64::from(precision) {
                    return Err(overflow());
                }
                Ok(Finite(value))
            }
            NaN => Ok(NaN),
            Infinity(_) => Err(overflow()),
        }
    }

    /// Digits after the point.
    #[must_use]
    pub fn scale(&self) -> i64 {
        match self {
            Finite(value) => value.fractional_digit_count(),
            _ => 0,
        }
    }

    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        match (self, other) {
            (Finite(a), Finite(b)) => Finite(a + b),
            (NaN, _) | (_, NaN) => NaN,
            (Infinity(a), Infinity(b)) if a != b => NaN,
            (Infinity(sign), _) | (_, Infinity(sign)) => Infinity(*sign),
        }
    }

    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    /// # Errors
    /// 22003 when the product has too many digits.
    pub fn times(&self, other: &Self) -> Result<Self, Invalid> {
        match (self, other) {
            (Finite(a), Finite(b)) => {
                let product = a * b;
                if digits_of(&product) > MAX_DIGITS.unsigned_abs() + MAX_SCALE.unsigned_abs() {
                    return Err(Invalid::range("value overflows numeric format"));
                }
                Ok(Finite(rounded(product, MAX_SCALE)))
            }
            (NaN, _) | (_, NaN) => Ok(NaN),
            _ if self.signum() == 0 || other.signum() == 0 => Ok(NaN),
            _ => Ok(Infinity(self.signum() != other.signum())),
        }
    }

    /// # Errors
    /// 22012.
    pub fn over(&self, other: &Self) -> Result<Self, Invalid> {
        match (self, other) {
            (NaN, _) | (_, NaN) => Ok(NaN),
            (Infinity(_), Infinity(_)) => Ok(NaN),
            _ if other.signum() == 0 => Err(Invalid::division_by_zero()),
            (Infinity(sign), _) => Ok(Infinity(*sign != (other.signum() < 0))),
            (Finite(_), Infinity(_)) => Ok(Self::int(0)),
            (Finite(a), Finite(b)) => Ok(Finite(quotient(a, b, quotient_scale(a, b)))),
        }
    }

    /// The remainder of a division that is cut towards zero.
    ///
    /// # Errors
    /// 22012.
    pub fn modulo(&self, other: &Self) -> Result<Self, Invalid> {
        match (self, other) {
            (NaN | Infinity(_), _) | (_, NaN) => Ok(NaN),
            _ if other.signum() == 0 => Err(Invalid::division_by_zero()),
            (Finite(a), Infinity(_)) => Ok(Finite(a.clone())),
            (Finite(a), Finite(b)) => {
                let scale = a.fractional_digit_count().max(b.fractional_digit_count());
                let (a, b) = (unscaled(a, scale), unscaled(b, scale));
                Ok(Finite(BigDecimal::new(a % b, scale)))
            }
        }
    }

    /// Raised to a power, at the scale that PostgreSQL 16 and newer give. One that is no integer is computed in double precision.
    ///
    /// # Errors
    /// 22012 for zero to a negative power; 2201F for a negative number to a fraction; 22003.
    pub fn power(&self, exponent: &Self) -> Result<Self, Invalid> {
        let (Finite(base), Finite(power)) = (self, exponent) else {
            return Ok(Self::float(self.to_f64().powf(exponent.to_f64())));
        };
        let scale = power.fractional_digit_count();
        let whole = power.is_integer().then(|| power.to_i32()).flatten();
        if base.is_zero() && power.is_negative() {
            return Err(Invalid::new("2201F", "zero raised to a negative power is undefined"));
        }
        let weight = power.to_f64().unwrap_or(f64::NAN) * log10(&base.abs());
        if weight > 131_072.0 {
            return Err(Invalid::range("value overflows numeric format"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a weight of at most six digits")]
        let weight = if base.is_zero() { 0 } else { weight as i64 };
        let result_scale = (MIN_SIGNIFICANT - weight).max(base.fractional_digit_count()).max(scale).clamp(0, MAX_DISPLAY_SCALE);
        if let Some(whole) = whole {
            return Ok(Finite(integer_power(base, whole, result_scale)));
        }
        if base.is_negative() {
            return Err(Invalid::new("2201F", "a negative number raised to a non-integer power yields a complex result"));
        }
        let value = base.to_f64().unwrap_or(f64::NAN).powf(power.to_f64().unwrap_or(f64::NAN));
        match Self::parse(&format!("{value:.15e}"))? {
            Finite(value) => Ok(Finite(rounded_to(&value, result_scale))),
            other => Ok(other),
        }
    }

    #[must_use]
    pub fn negated(&self) -> Self {
        match self {
            Finite(value) => Finite(-value),
            NaN => NaN,
            Infinity(sign) => Infinity(!sign),
        }
    }

    #[must_use]
    pub fn abs(&self) -> Self {
        if self.signum() < 0 { self.negated() } else { self.clone() }
    }

    /// -1, 0 or 1; 1 for NaN.
    #[must_use]
    pub fn signum(&self) -> i64 {
        match self {
            Finite(value) => match value.sign() {
                Sign::Minus => -1,
                Sign::NoSign => 0,
                Sign::Plus => 1,
            },
            NaN | Infinity(false) => 1,
            Infinity(true) => -1,
        }
    }

    /// The smallest integer that is not less.
    #[must_use]
    pub fn ceil(&self) -> Self {
        self.with_rounding(0, RoundingMode::Ceiling)
    }

    /// The largest integer that is not greater.
    #[must_use]
    pub fn floor(&self) -> Self {
        self.with_rounding(0, RoundingMode::Floor)
    }

    /// To so many digits after the point (before it when negative), half away from zero.
    #[must_use]
    pub fn round(&self, digits: i64) -> Self {
        self.with_rounding(digits, RoundingMode::HalfUp)
    }

    /// As [`Numeric::round`], towards zero.
    #[must_use]
    pub fn trunc(&self, digits: i64) -> Self {
        self.with_rounding(digits, RoundingMode::Down)
    }

    fn with_rounding(&self, digits: i64, mode: RoundingMode) -> Self {
        let digits = digits.clamp(-MAX_DIGITS, MAX_SCALE);
        match self {
            Finite(value) if digits >= 0 => Finite(value.with_scale_round(digits, mode)),
            Finite(value) => Finite(value.with_scale_round(digits, mode).with_scale(0)),
            other => other.clone(),
        }
    }

    /// The nearest double.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        match self {
            // By its text: the library's own way rounds twice.
            Finite(_) => self.to_string().parse().unwrap_or(f64::NAN),
            NaN => f64::NAN,
            Infinity(true) => f64::NEG_INFINITY,
            Infinity(false) => f64::INFINITY,
        }
    }

    fn without_trailing_zeros(self) -> Self {
        match self {
            Finite(value) => {
                let value = value.normalized();
                Finite(if value.fractional_digit_count() < 0 { value.with_scale(0) } else { value })
            }
            other => other,
        }
    }
}

/// The mean of a sum, as `avg` gives it.
///
/// # Errors
/// None but those of [`Numeric::over`].
pub fn average(sum: &Numeric, count: i64) -> Result<Numeric, Invalid> {
    sum.over(&Numeric::int(count))
}

/// Compares two numerics in the form they are held in. What is none sorts as text after all that are.
#[must_use]
pub fn compare(left: &str, right: &str) -> Ordering {
    match (Numeric::parse(left), Numeric::parse(right)) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

impl Ord for Numeric {
    /// NaN is equal to itself and greater than all others.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Finite(a), Finite(b)) => a.cmp(b),
            (NaN, NaN) => Ordering::Equal,
            (NaN, _) | (Infinity(false), Finite(_)) | (Finite(_), Infinity(true)) => Ordering::Greater,
            (_, NaN) | (Finite(_), Infinity(false)) | (Infinity(true), Finite(_)) => Ordering::Less,
            (Infinity(a), Infinity(b)) => b.cmp(a),
        }
    }
}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finite(value) => f.write_str(&plain(value)),
            NaN => f.write_str("NaN"),
            Infinity(true) => f.write_str("-Infinity"),
            Infinity(false) => f.write_str("Infinity"),
        }
    }
}

fn plain(value: &BigDecimal) -> String {
    let (digits, scale) = value.as_bigint_and_scale();
    let places = usize::try_from(scale).unwrap_or(0);
    let mut text = digits.magnitude().to_string();
    if text.len() <= places {
        text.insert_str(0, &"0".repeat(places + 1 - text.len()));
    }
    if places > 0 {
        text.insert(text.len() - places, '.');
    }
    if digits.sign() == Sign::Minus {
        text.insert(0, '-');
    }
    text
}

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // One too long to read is out of every range.
    Some(text.parse().unwrap_or(i64::from(i32::MAX)))
}

fn digits_of(value: &BigDecimal) -> u64 {
    value.digits()
}

fn unscaled(value: &BigDecimal, scale: i64) -> BigInt {
    value.with_scale(scale).into_bigint_and_scale().0
}

/// Cut down to a scale at the most.
fn rounded(value: BigDecimal, scale: i64) -> BigDecimal {
    if value.fractional_digit_count() > scale { rounded_to(&value, scale) } else { value }
}

fn rounded_to(value: &BigDecimal, scale: i64) -> BigDecimal {
    value.with_scale_round(scale, RoundingMode::HalfUp)
}

/// `a / b`, half away from zero at the scale.
fn quotient(a: &BigDecimal, b: &BigDecimal, scale: i64) -> BigDecimal {
    let (numerator, denominator) = (a.as_bigint_and_scale(), b.as_bigint_and_scale());
    let shift = scale - numerator.1 + denominator.1;
    let power = |by: i64| BigInt::from(10).pow(u32::try_from(by).unwrap_or(0));
    let (top, bottom) = if shift >= 0 {
        (numerator.0.as_ref() * power(shift), denominator.0.into_owned())
    } else {
        (numerator.0.into_owned(), denominator.0.as_ref() * power(-shift))
    };
    let (cut, rest) = (&top / &bottom, &top % &bottom);
    let away = if rest.abs() * 2 >= bottom.abs() { top.signum() * bottom.signum() } else { BigInt::zero() };
    BigDecimal::new(cut + away, scale)
}

/// PostgreSQL counts significant digits in groups of four.
fn quotient_scale(a: &BigDecimal, b: &BigDecimal) -> i64 {
    let ((weight_a, first_a), (weight_b, first_b)) = (leading_group(a), leading_group(b));
    let weight = weight_a - weight_b - i64::from(first_a <= first_b);
    let scale = MIN_SIGNIFICANT - weight * 4;
    scale.max(a.fractional_digit_count()).max(b.fractional_digit_count()).clamp(0, MAX_DISPLAY_SCALE)
}

/// The weight of the first group of four digits that is not zero, and its value.
fn leading_group(value: &BigDecimal) -> (i64, u32) {
    if value.is_zero() {
        return (0, 0);
    }
    let text = value.as_bigint_and_scale().0.magnitude().to_string();
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    // The place of the first digit: 0 for units.
    let place = length - value.fractional_digit_count() - 1;
    let weight = place.div_euclid(4);
    let taken = usize::try_from(place.rem_euclid(4) + 1).unwrap_or(1);
    let head = &text[..taken.min(text.len())];
    let missing = u32::try_from(taken - head.len()).unwrap_or(0);
    (weight, head.parse::<u32>().unwrap_or(0) * 10_u32.pow(missing))
}

fn log10(value: &BigDecimal) -> f64 {
    let text = value.as_bigint_and_scale().0.magnitude().to_string();
    let head: f64 = text[..text.len().min(16)].parse().unwrap_or(0.0);
    let left_out = i64::try_from(text.len().saturating_sub(16)).unwrap_or(0) - value.fractional_digit_count();
    #[expect(clippy::cast_precision_loss, reason = "an exponent of at most six digits")]
    let left_out = left_out as f64;
    head.log10() + left_out
}

fn integer_power(base: &BigDecimal, exponent: i32, scale: i64) -> BigDecimal {
    if base.is_zero() && exponent != 0 {
        return BigDecimal::new(BigInt::zero(), scale);
    }
    // Enough digits that the last of the result is right, and no more: a small base to a large power would have billions.
    let weight = (f64::from(exponent) * log10(&base.abs())).abs().min(200_000.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 200,000")]
    let precision = weight as u64 + scale.unsigned_abs() + 32;
    let (mut power, mut square, mut times) = (BigDecimal::new(1.into(), 0), base.clone(), exponent.unsigned_abs());
    while times > 0 {
        if times & 1 == 1 {
            power = shortened(&power * &square, precision);
        }
        times >>= 1;
        if times > 0 {
            square = shortened(&square * &square, precision);
        }
    }
    if exponent >= 0 { rounded_to(&power, scale) } else { quotient(&BigDecimal::new(1.into(), 0), &power, scale) }
}

fn shortened(value: BigDecimal, precision: u64) -> BigDecimal {
    if value.digits() > precision { value.with_prec(precision) } else { value }
}
