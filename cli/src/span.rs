//! Lengths of time on the command line: `500ms`, `90s`, `5m`, `2h`, `7d`, or seconds.

use std::time::Duration;

/// A century: a longer one is a slip, and with a much longer one no clock can reckon.
const SPAN_MAX: Duration = Duration::from_secs(36_525 * 86_400);

pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let refused = || format!("`{text}` is no length of time; write 500ms, 90s, 5m, 2h or 7d");
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| refused())?;
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(refused()),
    };
    let span = number.checked_mul(millis).map(Duration::from_millis);
    span.filter(|span| *span <= SPAN_MAX).ok_or_else(refused)
}

/// As the contract carries it. `None` only beyond its range, which is that of a hundred [`SPAN_MAX`].
pub(crate) fn to_proto(span: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(span).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_a_unit_or_are_seconds() {
        for (text, millis) in
            [("500ms", 500), ("7", 7_000), ("90s", 90_000), ("5m", 300_000), ("2h", 7_200_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("36525d"), Ok(SPAN_MAX));
        for text in ["", "s", "-1s", "1.5h", "5 m", "1w", "36526d", "18446744073709551615"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
