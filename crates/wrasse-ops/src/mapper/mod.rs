//! Mappers: one sample in, one sample out.

wrasse_op::operators! {
    clean_copyright_mapper,
    punctuation_normalization_mapper,
    remove_long_words_mapper,
    remove_repeat_sentences_mapper,
    remove_specific_chars_mapper,
    whitespace_normalization_mapper,
}
