//! Which of several pictures is the film.

/// The place of the first picture that has at least half the pixels of the largest; one of unknown
/// size counts as large. What comes before it is a cover, or a preview.
pub(super) fn first_large(
    sizes: impl Iterator<Item = Option<(u32, u32)>> + Clone,
) -> Option<usize> {
    let area = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    let largest = sizes.clone().flatten().map(area).max().unwrap_or(0);
    let mut sizes = sizes;
    sizes.position(|size| size.is_none_or(|size| area(size) >= largest / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_no_preview_counts() {
        for (sizes, first) in [
            (&[][..], None),
            (&[Some((720, 1280))], Some(0)),
            (&[Some((160, 120)), Some((1920, 1080)), Some((3840, 1080))], Some(1)),
            (&[Some((320, 240)), Some((640, 480))], Some(1)),
            (&[None, Some((640, 480))], Some(0)),
            (&[Some((u32::MAX, u32::MAX))], Some(0)),
        ] {
            assert_eq!(first_large(sizes.iter().copied()), first);
        }
    }
}
