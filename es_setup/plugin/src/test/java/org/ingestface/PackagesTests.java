package org.ingestface;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

/** Dependencies between the packages run one way. The entry package may use all of them, and none may use it. */
class PackagesTests {

    private static final Map<String, Set<String>> ALLOWED = Map.of(
        "resend",
        Set.of("document", "common"),
        "document",
        Set.of("search", "endpoint", "rights", "common"),
        "search",
        Set.of("endpoint", "calibration", "common"),
        "endpoint",
        Set.of("common"),
        "calibration",
        Set.of("common"),
        "rights",
        Set.of(),
        "common",
        Set.of()
    );
    /** A package or a class of ours, in an import or spelled out. */
    private static final Pattern USED = Pattern.compile("\\borg\\.ingestface\\.(\\w+)\\b");

    @Test
    void noPackageUsesOneAboveIt() throws IOException {
        List<Path> sources;
        try (Stream<Path> files = Files.walk(Path.of("src", "main"))) {
            sources = files.filter(file -> file.toString().endsWith(".java")).toList();
        }
        Map<String, Set<String>> forbidden = new TreeMap<>();
        Set<String> packages = new TreeSet<>();
        for (Path source : sources) {
            String name = source.getParent().getFileName().toString();
            if (name.equals("ingestface") == false) {
                packages.add(name);
                Set<String> used = new TreeSet<>();
                USED.matcher(Files.readString(source)).results().forEach(match -> used.add(match.group(1)));
                used.remove(name);
                used.removeAll(ALLOWED.getOrDefault(name, Set.of()));
                if (used.isEmpty() == false) {
                    forbidden.put(source.toString(), used);
                }
            }
        }
        assertEquals(Map.of(), forbidden);
        assertEquals(new TreeSet<>(ALLOWED.keySet()), packages);
    }
}
