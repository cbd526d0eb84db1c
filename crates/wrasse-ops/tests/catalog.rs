//! Tests that hold for every operator, present and future.
//!
//! Nothing here names an operator: adding one adds its tests.

#[test]
fn operators_keep_their_promises() {
    wrasse_op::testing::check(&wrasse_ops::SPECS.concat());
}
