//! Functions of many rows, over groups and over windows. Each leaves nulls out, and is null for no rows.

use std::collections::BTreeMap;

use super::{Answer, numeric};
use crate::sys::sqlite_functions::{Accumulator, Aggregate, Argument, Arguments, Fault, Output};
use crate::values::numeric::{Numeric, average};

pub(super) static TABLE: &[Aggregate] = &[
    Aggregate { name: "plinth_num_sum", arguments: 1, begin: || Box::new(Sum::new(false)) },
    Aggregate { name: "plinth_num_avg", arguments: 1, begin: || Box::new(Sum::new(true)) },
];

/// The sum of `numeric` values, from which rows that leave a window can be taken again: so what is not finite is counted, not added.
struct Sum {
    mean: bool,
    finite: Numeric,
    /// How many values there are of each scale: a sum has the greatest.
    scales: BTreeMap<i64, i64>,
    nan: i64,
    infinite: i64,
    negative_infinite: i64,
}

impl Sum {
    fn new(mean: bool) -> Self {
        Self { mean, finite: Numeric::int(0), scales: BTreeMap::new(), nan: 0, infinite: 0, negative_infinite: 0 }
    }

    /// A row that comes (`1`) or leaves (`-1`).
    fn change(&mut self, args: &Arguments<'_>, by: i64) -> Result<(), Fault> {
        if args.get(0)? == Argument::Null {
            return Ok(());
        }
        let value = numeric(args, 0)?;
        match value {
            Numeric::NaN => self.nan += by,
            Numeric::Infinity(false) => self.infinite += by,
            Numeric::Infinity(true) => self.negative_infinite += by,
            Numeric::Finite(_) => {
                *self.scales.entry(value.scale()).or_default() += by;
                self.finite = if by > 0 { self.finite.plus(&value) } else { self.finite.minus(&value) };
            }
        }
        Ok(())
    }

    fn sum(&self) -> Numeric {
        match (self.nan > 0, self.infinite > 0, self.negative_infinite > 0) {
            (true, ..) | (_, true, true) => Numeric::NaN,
            (_, true, _) => Numeric::Infinity(false),
            (_, _, true) => Numeric::Infinity(true),
            _ => {
                let scale = self.scales.iter().rev().find(|(_, count)| **count > 0).map_or(0, |(scale, _)| *scale);
                self.finite.round(scale)
            }
        }
    }
}

impl Accumulator for Sum {
    fn step(&mut self, args: &Arguments<'_>) -> Result<(), Fault> {
        self.change(args, 1)
    }

    fn undo(&mut self, args: &Arguments<'_>) -> Result<(), Fault> {
        self.change(args, -1)
    }

    fn value(&self) -> Answer {
        let count = self.scales.values().sum::<i64>() + self.nan + self.infinite + self.negative_infinite;
        if count == 0 {
            return Ok(Output::Null);
        }
        let sum = self.sum();
        let value = if self.mean { average(&sum, count)? } else { sum };
        Ok(Output::Text(value.to_string()))
    }
}
