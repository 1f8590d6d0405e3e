//! Rows as CSV.

use plinth::data::answer::csv::{Csv, of_json_rows};
use proptest::prelude::*;

#[test]
fn json_rows_become_lines() {
    let columns = ["id", "name", "done", "meta", "gone"].map(str::to_owned);
    let rows =
        r#"[{"name":"a, \"b\"","id":1.50,"done":true,"meta":{"x": 1},"gone":null}, {"id":2,"name":"","done":false,"meta":[1]}]"#;
    let csv = of_json_rows(&columns, rows).unwrap();
    assert_eq!(csv, "id,name,done,meta,gone\n1.50,\"a, \"\"b\"\"\",t,\"{\"\"x\"\": 1}\",\n2,\"\",f,[1],");
    assert_eq!(of_json_rows(&columns, "[]").unwrap(), "id,name,done,meta,gone");
    assert!(of_json_rows(&columns, "{}").is_err());
}

proptest! {
    #[test]
    fn a_reader_of_csv_gets_back_what_was_written(rows in prop::collection::vec(prop::collection::vec("[ -~\n\r\",é]{0,6}", 3), 0..5)) {
        let mut csv = Csv::with_header(&["a", "b", "c"]);
        for row in &rows {
            csv.line(row.iter().map(|field| Some(field.as_str())));
        }
        let text = csv.into_text();
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let read: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        prop_assert_eq!(read, rows);
    }
}
