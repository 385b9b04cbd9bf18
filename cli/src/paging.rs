//! Lists that come in pages.

/// The core's largest page.
const PAGE_SIZE_MAX: usize = 200;

/// What is left of a list of which so many entries are wanted.
#[derive(Debug)]
pub(crate) struct Paging {
    left: usize,
    /// Of the next page; none after the last one.
    token: Option<String>,
}

impl Paging {
    pub(crate) fn new(limit: usize) -> Self {
        Self { left: limit, token: Some(String::new()) }
    }

    /// The size and token of the next page, if one is wanted.
    pub(crate) fn next(&mut self) -> Option<(i32, String)> {
        let size = i32::try_from(self.left.min(PAGE_SIZE_MAX)).ok().filter(|size| *size > 0)?;
        Some((size, self.token.take()?))
    }

    /// As many entries of a page as are wanted.
    pub(crate) fn take<'a, T>(&mut self, page: &'a [T], next_page_token: &str) -> &'a [T] {
        let wanted = &page[..page.len().min(self.left)];
        self.left -= wanted.len();
        self.token = Some(next_page_token.to_owned()).filter(|token| !token.is_empty());
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_until_enough_is_there_or_nothing_is_left() {
        let mut paging = Paging::new(250);
        assert_eq!(paging.next(), Some((200, String::new())));
        assert_eq!(paging.take(&[0; 200], "a").len(), 200);
        assert_eq!(paging.next(), Some((50, "a".to_owned())));
        assert_eq!(paging.take(&[0; 60], "b").len(), 50);
        assert_eq!(paging.next(), None);
        let mut paging = Paging::new(10);
        paging.next();
        assert_eq!(paging.take(&[0; 3], "").len(), 3);
        assert_eq!(paging.next(), None);
        assert_eq!(Paging::new(0).next(), None);
    }
}
