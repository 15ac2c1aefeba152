package org.ingestface.common;

import java.util.List;
import java.util.regex.Pattern;

/** The facts of an error message, so that a test can check them without its wording. */
public final class Facts {

    private static final Pattern BRACKETS = Pattern.compile("\\[([^\\[\\]]*)\\]");

    private Facts() {}

    /** What the message has in brackets, in order. */
    public static List<String> of(String message) {
        return BRACKETS.matcher(message).results().map(match -> match.group(1)).toList();
    }
}
