//! The limits that inputs of the shared kind have.

/// The longest JSON body of an API call, in bytes, where the call says no other.
pub const MAX_JSON_BODY: usize = 256 * 1024;

/// How deep arrays and objects of a JSON body may nest.
pub const MAX_JSON_DEPTH: usize = 64;

/// The most rows a page of a list has.
pub const MAX_PAGE: u32 = 1000;

/// How deep the arrays and objects of a JSON text nest, without parsing it: linear, and no recursion.
#[must_use]
pub fn json_depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
