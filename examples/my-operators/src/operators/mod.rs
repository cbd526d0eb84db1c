//! The operators, one file each, named like the operator.

wrasse_op::operators! {
    chars_per_page_mapper,
    mask_digits_mapper,
    question_ratio_filter,
}

#[cfg(test)]
mod tests {
    #[test]
    fn operators_keep_their_promises() {
        wrasse_op::testing::check(super::SPECS);
    }
}
