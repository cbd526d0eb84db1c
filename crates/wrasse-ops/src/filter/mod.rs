//! Filters: measure a sample, keep or drop it.

wrasse_op::operators! {
    text_length_filter,
}
