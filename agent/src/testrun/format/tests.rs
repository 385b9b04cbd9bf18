//! Each tool's own words, and whatever else bytes may say.

use proptest::prelude::*;

use super::*;
use crate::testrun::{Case, Status, junit_cases};

const FORMATS: [Format; 5] =
    [Format::Pytest, Format::Cargo, Format::Nextest, Format::Tap, Format::Junit];

fn read(format: Format, output: &str) -> Vec<Found> {
    let mut reader = Reader::of(format);
    let mut found = reader.push(output.as_bytes());
    found.extend(reader.finish());
    found
}

/// `suite name status message`, the way a person would say it.
fn cases(found: &[Found]) -> Vec<String> {
    let told = |case: &Case| {
        let status = format!("{:?}", case.status).to_lowercase();
        let (suite, message) = (case.suite.as_deref(), case.message.as_deref());
        let parts = [suite, Some(&case.name), Some(&status), message];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" | ")
    };
    let of_cases = |found: &Found| match found {
        Found::Case(case) => Some(told(case)),
        Found::Planned(_) => None,
    };
    found.iter().filter_map(of_cases).collect()
}

fn planned(found: &[Found]) -> Option<u64> {
    found.iter().find_map(|found| match found {
        Found::Planned(count) => Some(*count),
        Found::Case(_) => None,
    })
}

const PYTEST: &str = "\
============================= test session starts ==============================
platform linux -- Python 3.11.2, pytest-9.0.2, pluggy-1.6.0
collecting ... collected 6 items / 1 deselected / 5 selected

tests/test_a.py::test_one PASSED                                         [ 20%]
tests/test_a.py::TestB::test_two[x y] FAILED                             [ 40%]
tests/test_a.py::test_three SKIPPED (not here)                           [ 60%]
tests/test_a.py::test_four XFAIL (known)                                 [ 80%]
tests/test_a.py::test_five ERROR                                         [100%]

=================================== FAILURES ===================================
tests/fake.py::test_in_a_report PASSED
=========================== short test summary info ============================
FAILED tests/test_a.py::TestB::test_two[x y] - assert 1 == 2
ERROR tests/test_a.py::test_five - RuntimeError: no
ERROR tests/test_bad.py - SyntaxError: invalid
============== 1 failed, 1 passed, 1 skipped, 1 xfailed, 2 errors ==============
";

#[test]
fn pytest_tells_a_case_on_a_line() {
    let found = read(Format::Pytest, PYTEST);
    assert_eq!(
        cases(&found),
        [
            "tests/test_a.py | test_one | passed",
            "tests/test_a.py | TestB::test_two[x y] | failed",
            "tests/test_a.py | test_three | skipped | not here",
            "tests/test_a.py | test_four | passed | known",
            "tests/test_a.py | test_five | error",
            "tests/test_bad.py | error | SyntaxError: invalid",
        ]
    );
    assert_eq!(planned(&found), Some(5));
    assert_eq!(planned(&read(Format::Pytest, "collected 1 item")), Some(1));
}

#[test]
fn pytest_is_understood_through_its_parallel_workers() {
    let found = read(Format::Pytest, "[gw1] [ 50%] FAILED tests/test_a.py::test_one \n");
    assert_eq!(cases(&found), ["tests/test_a.py | test_one | failed"]);
}

const CARGO: &str = "\
   Compiling thing v0.1.0
     Running unittests src/lib.rs (target/debug/deps/thing-0123456789abcdef)

running 4 tests
test tests::adds ... ok
test tests::panics - should panic ... ok
test tests::later ... ignored, needs a network
test tests::breaks ... FAILED

failures:

---- tests::breaks stdout ----
test what::a::test::wrote ... ok

failures:
    tests::breaks

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests thing

running 1 test
test src/lib.rs - adds (line 3) ... ok
";

#[test]
fn cargo_tells_the_cases_of_each_binary() {
    assert_eq!(
        cases(&read(Format::Cargo, CARGO)),
        [
            "thing | tests::adds | passed",
            "thing | tests::panics - should panic | passed",
            "thing | tests::later | skipped | needs a network",
            "thing | tests::breaks | failed",
            "thing (doc) | src/lib.rs - adds (line 3) | passed",
        ]
    );
}

const NEXTEST: &str = "\
    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.03s
────────────
 Nextest run ID 1234 with nextest profile: default
    Starting 4 tests across 2 binaries (1 test skipped)
        PASS [   0.005s] (1/4) thing tests::adds
        FAIL [   0.104s] (2/4) thing::it breaks
  stdout ───
        PASS is what the test itself says
  TRY 1 FAIL [   0.002s] thing tests::flaky
  TRY 2 PASS [   0.002s] thing tests::flaky
  TRY 1 FAIL [   0.002s] thing tests::never
  TRY 2 FAIL [   0.002s] thing tests::never
     SIGSEGV [   0.010s] thing tests::crashes
        SKIP [         ] (───) thing tests::shares
        SLOW [> 60.000s] (───) thing tests::takes_long
  TRY 1 SLOW [> 60.000s] (───) thing tests::takes_long
TIMEOUT-PASS [  60.100s] (3/4) thing tests::takes_long
  TRY 1 ABRT [   0.008s] (───) thing tests::aborts
  TRY 2 ABRT [   0.004s] (4/4) thing tests::aborts
 FAIL + LEAK [   0.004s] (4/4) thing tests::leaks
────────────
     Summary [   0.1s] 4 tests run: 2 passed (1 flaky), 2 failed, 1 skipped
        FAIL [   0.104s] (2/4) thing::it breaks
";

#[test]
fn nextest_tells_each_test_once_whatever_its_tries() {
    let found = read(Format::Nextest, NEXTEST);
    assert_eq!(planned(&found), Some(4));
    assert_eq!(
        cases(&found),
        [
            "thing | tests::adds | passed",
            "thing::it | breaks | failed",
            "thing | tests::flaky | passed",
            "thing | tests::crashes | failed | SIGSEGV",
            "thing | tests::shares | skipped",
            "thing | tests::takes_long | passed",
            "thing | tests::leaks | failed | FAIL + LEAK",
            "thing | tests::aborts | failed | ABRT",
            "thing | tests::never | failed",
        ]
    );
    let Some(Found::Case(case)) = found.get(2) else { panic!("{found:?}") };
    assert_eq!(case.took, Some(std::time::Duration::from_millis(104)));
}

const TAP: &str = "\
TAP version 14
1..5
ok 1 - adds \\# to \\\\
not ok 2 - breaks
  ---
  message: 'ok 9 - not a case'
  ...
# Subtest: inner
    ok 1 - inner case
ok 3 - skips # SKIP no network
not ok 4 - known # todo later
okay, this is no case
Bail out! the disk is full
";

#[test]
fn tap_tells_a_case_on_a_line() {
    let found = read(Format::Tap, TAP);
    assert_eq!(planned(&found), Some(5));
    assert_eq!(
        cases(&found),
        [
            "adds # to \\ | passed",
            "breaks | failed",
            "skips | skipped | no network",
            "known | skipped | later",
            "Bail out! | error | the disk is full",
        ]
    );
}

const JUNIT: &str = r#"<?xml version="1.0"?>
<testsuites><testsuite name="suite &amp; co" tests="4">
  <testcase name="adds" time="0.25"/>
  <testcase name="breaks" classname="Thing"><failure message="1 &lt; 2">stack</failure></testcase>
  <testcase name="dies"><error>out of <![CDATA[<memory>]]></error></testcase>
  <testcase name="waits"><skipped/></testcase>
</testsuite></testsuites>"#;

#[test]
fn junit_tells_its_cases_in_a_file() {
    assert_eq!(
        cases(&junit_cases(JUNIT.as_bytes())),
        [
            "suite & co | adds | passed",
            "Thing | breaks | failed | 1 < 2",
            "suite & co | dies | error | out of <memory>",
            "suite & co | waits | skipped",
        ]
    );
    let broken = JUNIT.split_once("dies").unwrap().0;
    assert_eq!(junit_cases(broken.as_bytes()).len(), 2, "what stands before the break counts");
}

#[test]
fn colours_are_no_part_of_a_name() {
    let found = read(Format::Cargo, "test \u{1b}[1ma::b\u{1b}[0m ... \u{1b}[32mok\u{1b}[0m\n");
    assert_eq!(cases(&found), ["a::b | passed"]);
}

/// Outputs of all tools, cut and mixed, with anything between.
fn outputs() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![PYTEST, CARGO, NEXTEST, TAP, JUNIT]);
    let piece = (known, any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let piece = piece.prop_map(|(text, from, to)| {
        let (from, to) = (from.index(text.len()), to.index(text.len()));
        text.as_bytes()[from.min(to)..from.max(to)].to_vec()
    });
    let anything = prop::collection::vec(any::<u8>(), 0..64);
    prop::collection::vec(prop_oneof![piece, anything], 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn how_output_is_split_changes_nothing(
        output in outputs(),
        splits in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        for format in FORMATS {
            let mut whole = Reader::of(format);
            let mut expected = whole.push(&output);
            expected.extend(whole.finish());

            let mut at: Vec<_> = splits.iter().map(|split| split.index(output.len() + 1)).collect();
            at.extend([0, output.len()]);
            at.sort_unstable();
            let mut reader = Reader::of(format);
            let mut found: Vec<_> =
                at.windows(2).flat_map(|ends| reader.push(&output[ends[0]..ends[1]])).collect();
            found.extend(reader.finish());
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn anything_is_read_in_bounded_memory(output in outputs(), times in 1..50_usize) {
        for format in FORMATS {
            let mut reader = Reader::of(format);
            for _ in 0..times {
                for found in reader.push(&output) {
                    let Found::Case(case) = found else { continue };
                    prop_assert!(case.name.len() <= 512);
                    prop_assert!(case.message.is_none_or(|message| message.len() <= 1024));
                }
            }
        }
        prop_assert!(junit_cases(&output).len() <= output.len());
    }

    #[test]
    fn every_case_of_a_tap_stream_is_told_once(went in prop::collection::vec(any::<bool>(), 0..50)) {
        let line = |(n, ok): (usize, &bool)| {
            format!("{} {} - case {n}\n", if *ok { "ok" } else { "not ok" }, n + 1)
        };
        let output: String = went.iter().enumerate().map(line).collect();
        let found = read(Format::Tap, &output);
        let statuses: Vec<_> = found.iter().map(|found| match found {
            Found::Case(case) => case.status == Status::Passed,
            Found::Planned(_) => false,
        }).collect();
        prop_assert_eq!(statuses, went);
    }
}
