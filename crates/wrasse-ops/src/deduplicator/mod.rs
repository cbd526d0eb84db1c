//! Deduplicators: of equal or similar samples the first stays.

wrasse_op::operators! {
    document_deduplicator,
    document_line_deduplicator,
    document_minhash_deduplicator,
    document_minhash_deduplicator_with_uid,
    document_simhash_deduplicator,
    duplicate_files_filter,
    image_exact_deduplicator,
    image_similar_deduplicator,
}
