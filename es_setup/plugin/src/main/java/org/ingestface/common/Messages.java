package org.ingestface.common;

import org.elasticsearch.core.Nullable;

/** Keeps error messages short. */
public final class Messages {

    private static final int MAX_LENGTH = 300;

    private Messages() {}

    /** The first 300 characters of a text from elsewhere, which might echo a whole photo. */
    public static String shorten(@Nullable String text) {
        if (text == null) {
            return "no reason given";
        }
        return text.length() <= MAX_LENGTH ? text : text.substring(0, MAX_LENGTH) + "…";
    }
}
