//! Frames: a message and its body, in bytes.

use serde::{Deserialize, Serialize};

use super::MAX_FRAME;

/// A frame that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The length is beyond [`MAX_FRAME`], or the parts do not fit in it.
    #[error("a frame of {0} bytes is malformed or over the limit")]
    Length(usize),
    /// The JSON does not say what it must.
    #[error("a frame's header does not parse: {0}")]
    Header(#[from] serde_json::Error),
}

/// Puts a message and its body into one frame.
///
/// # Errors
/// [`FrameError::Length`] when the frame would be over [`MAX_FRAME`].
pub fn encode<M: Serialize>(message: &M, body: &[u8]) -> Result<Vec<u8>, FrameError> {
    let mut frame = Vec::new();
    encode_into(&mut frame, message, body)?;
    Ok(frame)
}

/// Puts a message and its body into one frame behind what `out` already holds.
///
/// # Errors
/// [`FrameError::Length`] when the frame would be over [`MAX_FRAME`]; `out` then ends with a part of it.
pub fn encode_into<M: Serialize>(out: &mut Vec<u8>, message: &M, body: &[u8]) -> Result<(), FrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    serde_json::to_writer(&mut *out, message)?;
    let json_len = out.len() - start - 8;
    let length = json_len + 4 + body.len();
    if length > MAX_FRAME {
        return Err(FrameError::Length(length));
    }
    out.extend_from_slice(body);
    let word = |n: usize| u32::try_from(n).map(u32::to_le_bytes).map_err(|_| FrameError::Length(length));
    out[start..start + 4].copy_from_slice(&word(length)?);
    out[start + 4..start + 8].copy_from_slice(&word(json_len)?);
    Ok(())
}

/// How many bytes the frame behind this first word has; checked against the limit.
///
/// # Errors
/// [`FrameError::Length`] when it is too short to be a frame, or over [`MAX_FRAME`].
pub fn frame_length(word: [u8; 4]) -> Result<usize, FrameError> {
    let length = usize::try_from(u32::from_le_bytes(word)).unwrap_or(usize::MAX);
    if !(4..=MAX_FRAME).contains(&length) {
        return Err(FrameError::Length(length));
    }
    Ok(length)
}

/// Takes apart what stands behind a frame's first word: the message, and where its body begins.
///
/// # Errors
/// [`FrameError`] when the parts do not fit or the JSON does not parse.
pub fn decode<M: for<'de> Deserialize<'de>>(frame: &[u8]) -> Result<(M, usize), FrameError> {
    let (word, rest) = frame.split_first_chunk::<4>().ok_or(FrameError::Length(frame.len()))?;
    let json_len = usize::try_from(u32::from_le_bytes(*word)).unwrap_or(usize::MAX);
    let json = rest.get(..json_len).ok_or(FrameError::Length(frame.len()))?;
    Ok((serde_json::from_slice(json)?, 4 + json_len))
}
