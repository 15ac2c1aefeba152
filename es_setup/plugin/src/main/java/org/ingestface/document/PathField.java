package org.ingestface.document;

import java.util.Map;

import org.elasticsearch.core.Nullable;
import org.ingestface.common.DottedPaths;
import org.ingestface.common.Names;

/**
 * The field in which a crawler says where the photo is, such as FSCrawler's {@code path.real}.
 *
 * @param name the option {@code path_field}
 */
record PathField(String name) {

    /** Copies the path into {@code file.path}, and what is behind its last slash into {@code file.name}. Any other value is left alone. */
    static void copy(@Nullable PathField from, Map<String, Object> source) {
        if (from == null || DottedPaths.get(source, from.name) instanceof String == false) {
            return;
        }
        String path = Names.nfc((String) DottedPaths.get(source, from.name));
        String name = path.substring(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
        if (path.isBlank() == false) {
            DocumentFields fields = new DocumentFields(source, null);
            fields.replace("file.path", path);
            fields.replace("file.name", name.isBlank() ? null : name);
        }
    }
}
