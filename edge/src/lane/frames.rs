//! Frames that go out together, in as few pieces of memory as is worth copying them for.

use bytes::{Bytes, BytesMut};

/// Frames are joined up to this size. Each piece costs every connection a place in its queue and in a
/// vectored write; a frame that is longer costs more to copy than it saves.
const JOINED_BYTES_MAX: usize = 16 * 1024;

/// Whole frames, one behind the other.
#[derive(Debug, Clone)]
pub(crate) struct Frames {
    bytes: Bytes,
    count: usize,
}

impl Frames {
    /// Joins these frames, in their order. One that stands alone is shared and not copied.
    pub(crate) fn join<'a>(frames: impl IntoIterator<Item = &'a Bytes>) -> Vec<Self> {
        let mut joined = Vec::new();
        let mut run: Vec<&Bytes> = Vec::new();
        let mut length = 0;
        for frame in frames {
            if !run.is_empty() && length + frame.len() > JOINED_BYTES_MAX {
                joined.push(Self::of(&run, length));
                run.clear();
                length = 0;
            }
            run.push(frame);
            length += frame.len();
        }
        if !run.is_empty() {
            joined.push(Self::of(&run, length));
        }
        joined
    }

    /// Their bytes, and how many they are.
    pub(crate) fn piece(&self) -> (&Bytes, usize) {
        (&self.bytes, self.count)
    }

    fn of(run: &[&Bytes], length: usize) -> Self {
        let bytes = match run {
            [alone] => Bytes::clone(alone),
            _ => {
                let mut joined = BytesMut::with_capacity(length);
                run.iter().for_each(|frame| joined.extend_from_slice(frame));
                joined.freeze()
            }
        };
        Self { bytes, count: run.len() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_frames_are_there_in_their_order_and_no_piece_is_long_but_by_one_frame(
            lengths in prop::collection::vec(0..JOINED_BYTES_MAX * 2, 0..12),
        ) {
            let frames: Vec<_> =
                lengths.iter().zip(0u8..).map(|(length, byte)| Bytes::from(vec![byte; *length])).collect();
            let pieces = Frames::join(&frames);
            let bytes: Vec<_> = pieces.iter().flat_map(|piece| piece.bytes.clone()).collect();
            prop_assert_eq!(bytes, frames.concat());
            prop_assert_eq!(pieces.iter().map(|piece| piece.count).sum::<usize>(), frames.len());
            for piece in pieces {
                prop_assert!(piece.count == 1 || piece.bytes.len() <= JOINED_BYTES_MAX);
            }
        }
    }

    #[test]
    fn a_frame_that_stands_alone_is_shared() {
        let frame = Bytes::from(vec![0; 10]);
        assert_eq!(Frames::join([&frame])[0].bytes.as_ptr(), frame.as_ptr());
    }
}
