//! Lines out of bytes as they come. A carriage return ends a line too: bars redraw themselves with it.

/// A line that tells something is short; of a longer one the beginning is enough.
const LINE_BYTES_MAX: usize = 4096;

/// The line under way.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
}

impl Lines {
    /// The lines that end in these bytes, without those that are empty.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut pieces = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).peekable();
        while let Some(piece) = pieces.next() {
            let room = LINE_BYTES_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if pieces.peek().is_some() {
                if !self.line.is_empty() {
                    lines.push(String::from_utf8_lossy(&self.line).into_owned());
                }
                self.line.clear();
            }
        }
        lines
    }

    /// The last line, where nothing ended it.
    pub fn finish(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_come_in_pieces() {
        let mut lines = Lines::default();
        assert!(lines.push(b"step 1").is_empty());
        assert_eq!(lines.push(b"/2\nstep 2/2\nst"), ["step 1/2", "step 2/2"]);
    }

    #[test]
    fn the_last_line_needs_no_end() {
        let mut lines = Lines::default();
        lines.push(b"one\ntwo");
        assert_eq!((lines.finish().as_deref(), lines.finish()), (Some("two"), None));
    }

    #[test]
    fn a_bar_redraws_its_line() {
        assert_eq!(Lines::default().push(b"10%\r20%\r\n30%\n"), ["10%", "20%", "30%"]);
    }

    #[test]
    fn an_endless_line_costs_bounded_memory() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            lines.push(&[b'x'; 1024]);
        }
        assert_eq!(lines.push(b"\n")[0].len(), LINE_BYTES_MAX);
    }
}
