//! Numbers as a person writes them: a wrong one is told with its field and its range, whatever is wrong with it.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::error::{ConfigError, Source};

/// A value that should be a whole number; `None` if it is anything else. A type of Rust in its place would have the parser of
/// TOML say what that holds, and not what the field may be.
pub(super) struct Number(Option<i128>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
        Ok(Number(Some(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
        Ok(Number(Some(value.into())))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Number, E> {
        Ok(Number(Some(value)))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Number, E> {
        Ok(Number(i128::try_from(value).ok()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Number, A::Error> {
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Number(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<Number, A::Error> {
        while values.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Number(None))
    }
}

/// The number, if it is in the field's range.
pub(super) fn number<T: TryFrom<i128> + Copy + PartialOrd + Display>(
    source: &Source<'_>,
    value: &Spanned<Number>,
    field: &'static str,
    range: RangeInclusive<T>,
) -> Result<T, ConfigError> {
    let Number(whole) = value.get_ref();
    let good = whole.and_then(|whole| T::try_from(whole).ok()).filter(|number| range.contains(number));
    good.ok_or_else(|| {
        let written = source.slice(value.span());
        let kind = match whole {
            Some(_) => "",
            None if written.starts_with(['"', '\'']) => "a whole number without quotes, ",
            None => "a whole number, ",
        };
        source.wrong(value.span(), field, written, &format!("{kind}{} to {}", range.start(), range.end()))
    })
}

/// The number, or its default where none is given.
pub(super) fn in_range<T: TryFrom<i128> + Copy + PartialOrd + Display>(
    source: &Source<'_>,
    value: Option<&Spanned<Number>>,
    field: &'static str,
    default: T,
    range: RangeInclusive<T>,
) -> Result<T, ConfigError> {
    value.map_or(Ok(default), |value| number(source, value, field, range))
}
