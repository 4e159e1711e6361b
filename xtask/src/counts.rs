//! Reads how many tests passed and failed out of the last lines that test runners print.

/// Passed and failed tests of one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
}

impl Counts {
    /// Adds what a line of output says, if it is a summary of nextest, libtest, vitest, Playwright or our own.
    pub(crate) fn read(&mut self, line: &str) {
        let line = strip_colours(line);
        // Indented, libtest's summary is part of what nextest shows of one failed test.
        let libtest = line.starts_with("test result:");
        let line = line.trim();
        let summary = line.starts_with("Summary [")
            || libtest
            || line.starts_with("Tests  ")
            || starts_with_count(line);
        if !summary {
            return;
        }
        let words: Vec<&str> =
            line.split([' ', ',', ';', '(', ')']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                _ => {}
            }
        }
    }
}

/// `3 passed`, `3 passed (1.2s)`, `3 passed, 0 failed`, `1 failed`, and no sentence that goes on after it.
fn starts_with_count(line: &str) -> bool {
    let mut words = line.split(' ');
    let number =
        words.next().is_some_and(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()));
    let word = words.next().unwrap_or_default();
    let rest = words.next().unwrap_or_default();
    number
        && matches!(word, "passed" | "passed," | "failed")
        && (rest.is_empty() || rest.starts_with('(') || rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn strip_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(char);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> (u64, u64) {
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.read(line));
        (counts.passed, counts.failed)
    }

    #[test]
    fn every_runner_is_understood() {
        assert_eq!(
            read(&["     Summary [   1.204s] 12 tests run: 11 passed (1 slow), 1 failed, 2 skipped"]),
            (11, 1)
        );
        assert_eq!(read(&["test result: ok. 5 passed; 0 failed; 1 ignored; finished in 0.00s"]), (5, 0));
        assert_eq!(read(&["    test result: FAILED. 0 passed; 1 failed; 0 ignored"]), (0, 0));
        assert_eq!(read(&[" Test Files  3 passed (3)", "      Tests  1 failed | 11 passed (12)"]), (11, 1));
        assert_eq!(
            read(&["\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m7 passed\u{1b}[39m (7)"]),
            (7, 0)
        );
        assert_eq!(read(&["  1 failed", "  4 passed (3.1s)"]), (4, 1));
        assert_eq!(read(&["14 passed, 2 failed"]), (14, 2));
    }

    #[test]
    fn sentences_are_not_summaries() {
        assert_eq!(read(&["3 passed the gate", "the 2 failed ones", "ok 5 passed", ""]), (0, 0));
    }
}
