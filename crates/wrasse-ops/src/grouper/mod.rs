//! Groupers: one sample, with lists for fields, out of many.

wrasse_op::operators! {
    key_value_grouper,
    naive_grouper,
}
