//! Deduplicators: of equal or similar samples the first stays.

wrasse_op::operators! {
    document_deduplicator,
    document_line_deduplicator,
    document_minhash_deduplicator,
    document_simhash_deduplicator,
    image_exact_deduplicator,
    image_similar_deduplicator,
}
