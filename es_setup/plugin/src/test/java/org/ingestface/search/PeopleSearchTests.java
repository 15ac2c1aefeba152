package org.ingestface.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

class PeopleSearchTests {

    @Test
    void peopleWithManyPortraitsAreReadInGroupsOfTwoThousandPortraitsAtMost() {
        Set<String> names = IntStream.range(0, 1_001).mapToObj(Integer::toString).collect(Collectors.toCollection(LinkedHashSet::new));
        List<Set<String>> groups = PeopleSearch.groups(names);
        assertEquals(List.copyOf(names), groups.stream().flatMap(Set::stream).toList());
        assertTrue(groups.stream().allMatch(group -> group.size() * PeopleSearch.MAX_PORTRAITS <= 2_000));
    }
}
