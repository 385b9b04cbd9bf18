use super::*;

const CHANGE: &str = "--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n";
const CREATION: &str = "--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+new\n";

fn fenced(diff: &str) -> String {
    format!("Here it is.\n\n```diff\n{diff}```\nDone.\n")
}

#[track_caller]
fn refused(answer: &str, code: &str) {
    assert_eq!(take(answer).unwrap_err().code(), code, "{answer}");
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/a.txt"), "one\ntwo\n").unwrap();
    folder
}

#[test]
fn the_patch_of_an_answer_is_its_blocks_that_are_diffs() {
    let answer = format!("{}```rust\nfn other() {{}}\n```\n{}", fenced(CHANGE), fenced(CREATION));
    let patch = take(&answer).unwrap();
    assert_eq!(patch.text, format!("{CHANGE}{CREATION}"));
    assert_eq!(patch.files, ["new.txt", "src/a.txt"]);
    assert!(patch.message.starts_with("Here it is.") && patch.message.ends_with("Done."));
    assert!(patch.message.contains("fn other"));
}

#[test]
fn a_fence_that_the_diff_is_about_does_not_end_it() {
    let diff = "--- a/README.md\n+++ b/README.md\n@@ -1,3 +1,3 @@\n ```\n-a\n+b\n ```\n";
    assert_eq!(take(&fenced(diff)).unwrap().text, diff);
}

#[test]
fn a_line_that_goes_away_is_no_header() {
    let diff = "--- a/x.sql\n+++ b/x.sql\n@@ -1,2 +1 @@\n--- /etc/passwd\n keep\n";
    assert_eq!(take(&fenced(diff)).unwrap().files, ["x.sql"]);
}

#[test]
fn a_patch_without_a_fence_is_found() {
    assert_eq!(take(CHANGE).unwrap().text, CHANGE);
}

#[test]
fn an_answer_without_a_patch_or_with_one_that_leads_out_is_refused() {
    refused("I cannot do that.", "no_patch");
    refused("```rust\nfn main() {}\n```", "no_patch");
    refused("", "no_patch");
    for name in ["/etc/passwd", "../outside", "src/../../outside", ".git/hooks/post-checkout"] {
        refused(&fenced(&CREATION.replace("new.txt", name)), "patch_unsafe");
    }
}

#[tokio::test]
async fn git_says_whether_a_patch_applies_and_the_project_stays_as_it_is() {
    let folder = project();
    for diff in [CHANGE, CREATION] {
        check(&take(&fenced(diff)).unwrap(), folder.path()).await.unwrap();
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("src/a.txt")).unwrap(), "one\ntwo\n");
    assert!(!folder.path().join("new.txt").exists());
    let wrong = CHANGE.replace("-two", "-three");
    let failure = check(&take(&fenced(&wrong)).unwrap(), folder.path()).await.unwrap_err();
    assert_eq!((failure.code(), failure.is_retryable()), ("patch_does_not_apply", true));
    assert!(failure.message().contains("src/a.txt"), "{failure}");
}

#[tokio::test]
async fn a_link_that_leads_out_of_the_project_is_not_followed() {
    let folder = project();
    std::os::unix::fs::symlink("/etc", folder.path().join("etc")).unwrap();
    let diff = CHANGE.replace("src/a.txt", "etc/passwd");
    let failure = check(&take(&fenced(&diff)).unwrap(), folder.path()).await.unwrap_err();
    assert_eq!(failure.code(), "patch_unsafe");
}
