//! Selectors: some of all samples, by a field and by all others' values of it.

wrasse_op::operators! {
    frequency_specified_field_selector,
    random_selector,
    range_specified_field_selector,
    tags_specified_field_selector,
    topk_specified_field_selector,
}
