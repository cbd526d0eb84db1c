//! Deduplicators: of equal samples the first stays.

wrasse_op::operators! {
    document_deduplicator,
}
