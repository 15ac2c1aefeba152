package org.ingestface.document;

/** Whether an earlier run of the processor wrote to a document, and about which photo. */
enum EarlierRun {
    NONE,
    SAME_PHOTO,
    /** Or a photo that could not be read, which may have been the same. */
    OTHER_PHOTO
}
