//! Tokens, as a published tokenizer counts them.

use tiktoken_rs::{CoreBPE, cl100k_base_singleton};

use super::wire::Message;

/// What the format of a conversation costs for each message, and for the answer that follows.
const MESSAGE_TOKENS: u64 = 3;

fn tokenizer() -> &'static CoreBPE {
    cl100k_base_singleton()
}

pub(super) fn of_prompt(messages: &[Message]) -> u64 {
    let tokens = |text: &str| tokenizer().encode_ordinary(text).len() as u64;
    let one = |message: &Message| MESSAGE_TOKENS + tokens(&message.role) + tokens(&message.content);
    messages.iter().map(one).sum::<u64>() + MESSAGE_TOKENS
}

/// The text of each token of an answer.
pub(super) fn pieces(answer: &str) -> Vec<String> {
    tokenizer().split_by_token_ordinary(answer).expect("a text of whole characters")
}
