//! Progress that a command tells in its output: `45%`, `45.5 %`, `3/12`, `[3 / 12]`.

/// The last progress that a line tells, in percent.
pub(super) fn percent(line: &str) -> Option<f64> {
    last(line, percent_at).or_else(|| last(line, fraction_at))
}

/// The last number of the line at which `reading` finds progress.
fn last(line: &str, reading: fn(&Number<'_>) -> Option<f64>) -> Option<f64> {
    numbers(line).filter_map(|number| reading(&number)).last()
}

/// A number and what stands around it.
struct Number<'a> {
    before: &'a str,
    text: &'a str,
    after: &'a str,
}

/// Digits, perhaps with a fraction, that are no part of a word or of a longer number.
fn numbers(line: &str) -> impl Iterator<Item = Number<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = line.get(from..)?;
            let start = from + rest.find(|c: char| c.is_ascii_digit())?;
            let end = number_end(line, start);
            from = end;
            let number =
                Number { before: &line[..start], text: &line[start..end], after: &line[end..] };
            if !number.before.ends_with(|c: char| c.is_alphanumeric() || "_.-".contains(c)) {
                return Some(number);
            }
        }
    })
}

fn number_end(line: &str, start: usize) -> usize {
    let digits = |from: usize| {
        let rest = &line[from..];
        from + rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
    };
    let whole = digits(start);
    let has_fraction = line[whole..].starts_with('.')
        && line[whole + 1..].starts_with(|c: char| c.is_ascii_digit());
    if has_fraction { digits(whole + 1) } else { whole }
}

fn percent_at(number: &Number<'_>) -> Option<f64> {
    let after = number.after.strip_prefix(' ').unwrap_or(number.after).strip_prefix('%')?;
    // `50%20` is an escaped space of a URL.
    if after.starts_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    number.text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent))
}

/// `3/12`. Not `2026/11/21`, `src/1/2` or `10.0.0.0/8`.
fn fraction_at(number: &Number<'_>) -> Option<f64> {
    let before = number.before.trim_end_matches(' ');
    if before.ends_with('/') {
        return None;
    }
    let after = number.after.trim_start_matches(' ').strip_prefix('/')?.trim_start_matches(' ');
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let (total, after) = after.split_at(digits);
    if after.starts_with(|c: char| c.is_alphanumeric() || "/_.-".contains(c)) && !is_end(after) {
        return None;
    }
    let done: u64 = number.text.parse().ok()?;
    let total: u64 = total.parse().ok()?;
    if total == 0 || done > total {
        return None;
    }
    #[allow(clippy::cast_precision_loss, reason = "percent needs no more than a float keeps")]
    Some(done as f64 / total as f64 * 100.0)
}

/// A full stop that ends a sentence, not one inside a name.
fn is_end(after: &str) -> bool {
    after.strip_prefix('.').is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_from_what_commands_write() {
        for (line, expected) in [
            ("step 25/50", 50.0),
            ("[ 3 / 12 ] compiling", 25.0),
            ("        PASS [   0.580s] (17/34) roomcast-identity tests", 50.0),
            ("Receiving objects:  45% (9/20), 1.2 MiB", 45.0),
            ("12.5% done", 12.5),
            ("progress: 100 %", 100.0),
            ("    Building [====>   ] 30/40: tokio", 75.0),
            ("1/4 then 2/4", 50.0),
            ("done 5/5.", 100.0),
            ("0%", 0.0),
            ("50%|#####     | 5/10 [00:05<00:05]", 50.0),
        ] {
            assert_eq!(percent(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_progress_is_none() {
        for line in [
            "",
            "no numbers",
            "2026/11/21 10:00",
            "GET /a/1/2",
            "src/1/2.rs",
            "10.0.0.0/8",
            "12/5",
            "7/0",
            "150%",
            "v1.2/3",
            "file%20name",
            "a%",
            "99999999999999999999999/99999999999999999999999",
            "1/2/3",
            "http://host/50%20percent",
            "é1/é2",
        ] {
            assert_eq!(percent(line), None, "{line}");
        }
    }
}
