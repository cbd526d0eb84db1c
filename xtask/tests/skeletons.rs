//! The skeletons of `cargo xtask new-op` are operators that work: they compile
//! here, and the suite that every operator must pass goes through them.

#[path = "../templates/skeleton_deduplicator.rs"]
mod skeleton_deduplicator;
#[path = "../templates/skeleton_filter.rs"]
mod skeleton_filter;
#[path = "../templates/skeleton_mapper.rs"]
mod skeleton_mapper;
#[path = "../templates/skeleton_slicer.rs"]
mod skeleton_slicer;

#[test]
fn skeletons_keep_the_promises_of_operators() {
    wrasse_op::testing::check(&[
        &skeleton_mapper::SPEC,
        &skeleton_filter::SPEC,
        &skeleton_slicer::SPEC,
        &skeleton_deduplicator::SPEC,
    ]);
}
