//! `tsvector`: the words of a text with their places, in the form that PostgreSQL writes them in.

use std::collections::{BTreeMap, HashMap};

use super::words_of;

/// Places of one word, the last place that is told from those beyond it, and bytes of a word, as in PostgreSQL.
const MAX_PLACES: usize = 255;
const LAST_PLACE: usize = 16_383;
const MAX_WORD: usize = 2046;

/// `to_tsvector('simple', text)`: `'fox':2 'red':1,3`, the words by their bytes.
#[must_use]
pub fn vector(text: &str) -> String {
    let mut words: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, word) in words_of(text).filter(|word| word.len() <= MAX_WORD).enumerate() {
        let places = words.entry(word).or_default();
        let place = (place + 1).min(LAST_PLACE);
        if places.len() < MAX_PLACES && places.last() != Some(&place) {
            places.push(place);
        }
    }
    let shown = words.iter().map(|(word, places)| {
        let places = places.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        format!("'{word}':{places}")
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// The words of what [`vector`] made, with a space between.
#[must_use]
pub fn words_of_vector(vector: &str) -> String {
    entries(vector).map(|(word, _)| word).collect::<Vec<_>>().join(" ")
}

/// The words of what [`vector`] made, with their places.
pub(super) fn places_of(vector: &str) -> HashMap<String, Vec<usize>> {
    let places = |text: &str| text.split(',').filter_map(|place| place.parse().ok()).collect();
    entries(vector).map(|(word, text)| (word.to_owned(), places(text))).collect()
}

/// Words are letters and digits alone, so that nothing in them ends one.
fn entries(vector: &str) -> impl Iterator<Item = (&str, &str)> {
    vector.split(' ').filter_map(|entry| entry.strip_prefix('\'')?.split_once("':"))
}
