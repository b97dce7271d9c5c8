//! Tables as `text/csv` (RFC 4180): a header row, lines that end with CR and LF, quotes where they are needed.
//!
//! Spreadsheets run what begins with `=`, `+`, `-` or `@` as a formula. Texts that others chose are kept from that by an
//! apostrophe; numbers are written by Souk and stay numbers.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use souk_domain::money::Currency;

/// A table being written.
pub struct Csv(String);

impl Csv {
    /// A table with these columns, whose names need no quotes.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        Self(columns.join(",") + "\r\n")
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[Cell<'_>]) {
        for (number, cell) in cells.iter().enumerate() {
            if number > 0 {
                self.0.push(',');
            }
            cell.write(&mut self.0);
        }
        self.0.push_str("\r\n");
    }

    /// The table.
    #[must_use]
    pub fn finish(self) -> Bytes {
        self.0.into()
    }
}

/// A field of a row.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A text, whoever chose it.
    Text(&'a str),
    /// Minor units.
    Minor(i64),
    /// Minor units, shown as a decimal number of the currency.
    Money(i64, Currency),
}

impl Cell<'_> {
    fn write(self, out: &mut String) {
        match self {
            Self::Empty => {}
            Self::Text(text) => text_cell(text, out),
            Self::Minor(amount) => out.push_str(&amount.to_string()),
            Self::Money(amount, currency) => out.push_str(&decimal(amount, currency)),
        }
    }
}

/// What makes a formula of a text at its beginning, also as wide letters, and what some programs part fields at.
const FORMULA: [char; 12] = ['=', '+', '-', '@', '|', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

fn text_cell(text: &str, out: &mut String) {
    // A blank or a quote before it does not stop every spreadsheet.
    let begins = text.trim_start_matches([' ', '"', '\'']).chars().next();
    let formula = begins.is_some_and(|first| FORMULA.contains(&first));
    let quoted = text.contains([',', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ');
    if quoted {
        out.push('"');
    }
    if formula {
        out.push('\'');
    }
    if quoted {
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

/// Minor units as a decimal number: 4900 of USD is `49.00`, of JPY `4900`.
#[must_use]
pub fn decimal(amount: i64, currency: Currency) -> String {
    let digits = usize::from(currency.exponent());
    let sign = if amount < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", amount.unsigned_abs(), width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// 200 with a table to keep under a name, which consists of letters, digits, `-` and `.`.
pub struct Table {
    /// The table.
    pub body: Bytes,
    /// What to call the file.
    pub name: String,
}

impl IntoResponse for Table {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        let headers = response.headers_mut();
        let csv = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
        headers.insert(header::CONTENT_TYPE, csv);
        if let Ok(kept) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", self.name)) {
            headers.insert(header::CONTENT_DISPOSITION, kept);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        let mut out = String::new();
        text_cell(text, &mut out);
        out
    }

    #[test]
    fn amounts_are_decimal_by_their_currency() {
        let money = |amount, code: &str| decimal(amount, code.parse().unwrap());
        assert_eq!(
            (money(4_900, "USD"), money(5, "USD"), money(-5, "USD")),
            ("49.00".into(), "0.05".into(), "-0.05".into())
        );
        assert_eq!(
            (money(4_900, "JPY"), money(-4_900, "JPY"), money(0, "JPY")),
            ("4900".into(), "-4900".into(), "0".into())
        );
        assert_eq!((money(1_234, "KWD"), money(0, "KWD")), ("1.234".into(), "0.000".into()));
        assert_eq!(money(i64::MIN, "USD"), "-92233720368547758.08");
    }

    #[test]
    fn nothing_that_others_chose_is_run() {
        for (given, written) in [
            ("Acme", "Acme"),
            ("Smith, Jones", "\"Smith, Jones\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            (" =1", "\"' =1\""),
            ("\"=1\"", "\"'\"\"=1\"\"\""),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("\r=1", "\"'\r=1\""),
            ("\u{ff1d}1+1", "'\u{ff1d}1+1"),
            ("a=b-c", "a=b-c"),
            ("", ""),
        ] {
            assert_eq!(text(given), written, "{given:?}");
        }
    }

    #[test]
    fn rows_end_as_the_standard_says() {
        let mut csv = Csv::new(&["a", "b", "c"]);
        let usd = "USD".parse().unwrap();
        csv.row(&[Cell::Text("x"), Cell::Empty, Cell::Money(-1_999, usd)]);
        csv.row(&[Cell::Minor(-7), Cell::Text(","), Cell::Empty]);
        assert_eq!(csv.finish(), "a,b,c\r\nx,,-19.99\r\n-7,\",\",\r\n");
    }
}
