//! What is published.

/// 200 bytes of JSON.
pub(crate) static BODY: [u8; 200] = {
    let mut body = [b'x'; 200];
    let (head, tail) = (*b"{\"text\":\"", *b"\"}");
    let mut at = 0;
    while at < head.len() {
        body[at] = head[at];
        at += 1;
    }
    body[198] = tail[0];
    body[199] = tail[1];
    body
};
