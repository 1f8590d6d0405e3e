//! Functions of many rows. Each leaves nulls out unless it says otherwise, and is null for no rows.

use super::{Answer, datum, int, numeric, text};
use crate::sys::sqlite_functions::{Accumulator, Aggregate, Argument, Arguments, Fault, Output};
use crate::values::array;
use crate::values::numeric::{Numeric, average};

pub(super) static TABLE: &[Aggregate] = &[
    Aggregate { name: "plinth_num_sum", arguments: 1, begin: || Box::new(Sum { mean: false, sum: None, count: 0 }) },
    Aggregate { name: "plinth_num_avg", arguments: 1, begin: || Box::new(Sum { mean: true, sum: None, count: 0 }) },
    Aggregate { name: "plinth_bool_and", arguments: 1, begin: || Box::new(Bool { all: true, value: None }) },
    Aggregate { name: "plinth_bool_or", arguments: 1, begin: || Box::new(Bool { all: false, value: None }) },
    Aggregate { name: "plinth_string_agg", arguments: 2, begin: || Box::new(Joined(None)) },
    Aggregate { name: "plinth_json_agg", arguments: 1, begin: || Box::new(List { is_json: true, out: String::new() }) },
    Aggregate { name: "plinth_array_agg", arguments: 1, begin: || Box::new(List { is_json: false, out: String::new() }) },
];

struct Sum {
    mean: bool,
    sum: Option<Numeric>,
    count: i64,
}

impl Accumulator for Sum {
    fn step(&mut self, args: &Arguments<'_>) -> Result<(), Fault> {
        if args.get(0)? == Argument::Null {
            return Ok(());
        }
        let value = numeric(args, 0)?;
        self.sum = Some(self.sum.take().map_or_else(|| value.clone(), |sum| sum.plus(&value)));
        self.count += 1;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Answer {
        let Some(sum) = self.sum else { return Ok(Output::Null) };
        let value = if self.mean { average(&sum, self.count)? } else { sum };
        Ok(Output::Text(value.to_string()))
    }
}

struct Bool {
    all: bool,
    value: Option<bool>,
}

impl Accumulator for Bool {
    fn step(&mut self, args: &Arguments<'_>) -> Result<(), Fault> {
        if args.get(0)? == Argument::Null {
            return Ok(());
        }
        let value = int(args, 0)? != 0;
        self.value = Some(match self.value {
            None => value,
            Some(before) if self.all => before && value,
            Some(before) => before || value,
        });
        Ok(())
    }

    fn finish(self: Box<Self>) -> Answer {
        Ok(self.value.map_or(Output::Null, |value| Output::Int(value.into())))
    }
}

/// `string_agg(text, separator)`: a row's separator stands before its text; a null one is empty.
struct Joined(Option<String>);

impl Accumulator for Joined {
    fn step(&mut self, args: &Arguments<'_>) -> Result<(), Fault> {
        if args.get(0)? == Argument::Null {
            return Ok(());
        }
        let value = text(args, 0)?;
        match &mut self.0 {
            None => self.0 = Some(value.into_owned()),
            Some(out) => {
                out.push_str(&text(args, 1)?);
                out.push_str(&value);
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Answer {
        Ok(self.0.map_or(Output::Null, Output::Text))
    }
}

/// A JSON array of JSON texts, or a held array of values; a null is an element of both.
struct List {
    is_json: bool,
    out: String,
}

impl Accumulator for List {
    fn step(&mut self, args: &Arguments<'_>) -> Result<(), Fault> {
        self.out.push(if self.out.is_empty() { '[' } else { ',' });
        match args.get(0)? {
            Argument::Null => self.out.push_str("null"),
            Argument::Text(json) if self.is_json => self.out.push_str(json),
            value => self.out.push_str(&array::element(&datum(value))),
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Answer {
        if self.out.is_empty() {
            return Ok(Output::Null);
        }
        self.out.push(']');
        Ok(Output::Text(self.out))
    }
}
