//! Statements of vendors and batches of payouts as tables.

use bytes::Bytes;
use chrono::{NaiveDate, SecondsFormat};
use souk_domain::money::Currency;
use souk_projections::earnings::{Line, Payout, Statement};
use uuid::Uuid;

use super::csv::{Cell, Csv};

/// What is told of every line of a statement; amounts are there twice, in minor units and as decimal numbers.
const STATEMENT: [&str; 18] = [
    "date",
    "kind",
    "order",
    "payout",
    "plugin",
    "currency",
    "gross_minor",
    "gross",
    "tax_minor",
    "tax",
    "commission_minor",
    "commission",
    "direct_minor",
    "direct",
    "amount_minor",
    "amount",
    "balance_minor",
    "balance",
];

/// A statement: the opening balance, every entry, the closing balance.
#[must_use]
pub fn statement(statement: &Statement, currency: Currency, span: (Option<NaiveDate>, Option<NaiveDate>)) -> Bytes {
    let mut csv = Csv::new(&STATEMENT);
    balance(&mut csv, ("opening_balance", span.0), statement.opening, currency);
    for line in &statement.lines {
        entry(&mut csv, line, currency);
    }
    balance(&mut csv, ("closing_balance", span.1), statement.closing, currency);
    csv.finish()
}

fn balance(csv: &mut Csv, (kind, day): (&str, Option<NaiveDate>), amount: i64, currency: Currency) {
    let date = day.map(|day| day.to_string()).unwrap_or_default();
    let mut cells = [Cell::Empty; STATEMENT.len()];
    cells[0] = Cell::Text(&date);
    cells[1] = Cell::Text(kind);
    cells[5] = Cell::Text(currency.code());
    cells[16] = Cell::Minor(amount);
    cells[17] = Cell::Money(amount, currency);
    csv.row(&cells);
}

fn entry(csv: &mut Csv, line: &Line, currency: Currency) {
    let Line { entry, balance } = line;
    let date = entry.booked_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let (order, payout) = (id(entry.order_id), id(entry.payout_id));
    let mut cells = vec![
        Cell::Text(&date),
        Cell::Text(&entry.kind),
        Cell::Text(&order),
        Cell::Text(&payout),
        Cell::Text(&entry.plugin_name),
        Cell::Text(currency.code()),
    ];
    for amount in [entry.gross, entry.tax, entry.commission, entry.direct, entry.amount, *balance] {
        cells.extend([Cell::Minor(amount), Cell::Money(amount, currency)]);
    }
    csv.row(&cells);
}

/// The payouts of a batch, for whoever transfers them.
#[must_use]
pub fn batch(payouts: &[Payout]) -> Bytes {
    let mut csv = Csv::new(&[
        "payout",
        "vendor",
        "vendor_slug",
        "vendor_name",
        "currency",
        "amount_minor",
        "amount",
        "status",
        "requested_at",
        "reference",
    ]);
    for row in payouts {
        let (payout, vendor) = (row.id.to_string(), row.vendor_id.to_string());
        let requested = row.requested_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        // What is in the read model was a currency when it was written.
        let amount = row.currency.parse().map_or(Cell::Empty, |currency| Cell::Money(row.amount, currency));
        csv.row(&[
            Cell::Text(&payout),
            Cell::Text(&vendor),
            Cell::Text(&row.vendor_slug),
            Cell::Text(&row.vendor_name),
            Cell::Text(&row.currency),
            Cell::Minor(row.amount),
            amount,
            Cell::Text(&row.status),
            Cell::Text(&requested),
            row.reference.as_deref().map_or(Cell::Empty, Cell::Text),
        ]);
    }
    csv.finish()
}

#[cfg(test)]
mod tests {
    use souk_projections::earnings::Entry;

    use super::*;

    #[test]
    fn a_statement_says_where_it_begins_what_happened_and_where_it_ends() {
        let entry = Entry {
            position: 7,
            kind: "payment".to_owned(),
            currency: "USD".to_owned(),
            booked_at: "2026-05-04T12:00:00.5Z".parse().unwrap(),
            paid_at: None,
            order_id: Some(Uuid::from_u128(1)),
            payout_id: None,
            plugin_id: Some(Uuid::from_u128(2)),
            plugin_name: "log-reader".to_owned(),
            gross: 5_831,
            tax: -931,
            commission: -735,
            amount: 4_165,
            direct: 0,
        };
        let lines = vec![Line { entry, balance: 4_065 }];
        let found = Statement { currency: "USD".to_owned(), opening: -100, closing: 4_065, lines };
        let day = |text: &str| text.parse().ok();
        let text = statement(&found, "USD".parse().unwrap(), (day("2026-05-01"), None));
        let lines: Vec<&str> = std::str::from_utf8(&text).unwrap().split("\r\n").collect();
        assert_eq!(lines[1], "2026-05-01,opening_balance,,,,USD,,,,,,,,,,,-100,-1.00");
        let order = Uuid::from_u128(1);
        assert_eq!(
            lines[2],
            format!(
                "2026-05-04T12:00:00Z,payment,{order},,log-reader,USD,5831,58.31,-931,-9.31,-735,-7.35,0,0.00,4165,41.65,4065,40.65"
            )
        );
        assert_eq!(lines[3], ",closing_balance,,,,USD,,,,,,,,,,,4065,40.65");
        assert_eq!((lines.len(), lines[4]), (5, ""), "the last line ends as well");
        let columns = |line: &str| line.split(',').count();
        assert!(lines[..4].iter().all(|line| columns(line) == columns(lines[0])));
    }
}
