//! JSON bodies, read once and within the limits as they are read.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Body;
use super::rows::{Row, Rows, unequal_keys};
use crate::api::json_depth;
use crate::data::request::fault::Fault;
use crate::data::request::limits::MAX_BODY_DEPTH;

/// An object, or an array of objects.
pub(super) fn rows(text: &str, columns: Option<&[String]>) -> Result<Body, Fault> {
    if json_depth(text.as_bytes()) > MAX_BODY_DEPTH {
        return Err(Fault::BodyLimit { what: "levels of arrays and objects", limit: MAX_BODY_DEPTH });
    }
    let mut reader = Reader { rows: Rows::new(columns), fault: None, is_array: false };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Top(&mut reader).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match (reader.fault, read) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) if error.is_data() && reader.is_array => Err(unequal_keys()),
        (None, Err(error)) if error.is_data() => Err(Fault::Body("The body must be an object or an array of objects".to_owned())),
        (None, Err(_)) => Err(Fault::Body("Empty or invalid json".to_owned())),
        (None, Ok(())) => Ok(reader.rows.into_body(reader.is_array)),
    }
}

/// What has been read, and why it was given up if it was: serde's errors cannot carry a [`Fault`].
struct Reader {
    rows: Rows,
    fault: Option<Fault>,
    is_array: bool,
}

impl Reader {
    fn give_up<E: serde::de::Error>(&mut self, fault: Fault) -> E {
        let error = E::custom(&fault);
        self.fault = Some(fault);
        error
    }

    fn row<'de, A: MapAccess<'de>>(&mut self, map: A) -> Result<(), A::Error> {
        let read = match self.rows.row() {
            Ok(row) => entries(row, map),
            Err(fault) => Err(Given::Up(fault)),
        };
        read.map_err(|given| match given {
            Given::Up(fault) => self.give_up(fault),
            Given::Error(error) => error,
        })
    }
}

enum Given<E> {
    Up(Fault),
    Error(E),
}

fn entries<'de, A: MapAccess<'de>>(mut row: Row, mut map: A) -> Result<(), Given<A::Error>> {
    while let Some(key) = map.next_key::<String>().map_err(Given::Error)? {
        if row.keeps(&key) {
            let value = map.next_value::<Box<RawValue>>().map_err(Given::Error)?;
            row.put(key, || Ok(value)).map_err(Given::Up)?;
        } else {
            map.next_value::<IgnoredAny>().map_err(Given::Error)?;
        }
    }
    row.end().map_err(Given::Up)
}

/// The whole body.
struct Top<'a>(&'a mut Reader);

/// An element of its array.
struct Element<'a>(&'a mut Reader);

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object or an array of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.0.row(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.0.is_array = true;
        while elements.next_element_seed(Element(self.0))?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.0.row(map)
    }
}
