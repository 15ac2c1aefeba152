package org.ingestface.search;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.search.MultiSearchRequest;
import org.elasticsearch.action.search.MultiSearchResponse;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.index.query.QueryBuilder;
import org.elasticsearch.search.SearchHit;
import org.elasticsearch.search.builder.SearchSourceBuilder;
import org.elasticsearch.search.sort.SortBuilders;
import org.elasticsearch.search.sort.SortOrder;
import org.ingestface.common.Names;
import org.ingestface.search.Portraits.Found;
import org.ingestface.search.Portraits.Portrait;

/**
 * Who in a gallery the faces of one document look like. People are found by their portraits nearest to a face, and then compared by all of
 * their portraits: the similarity is that to the mean of these portraits' vectors, each of length 1. {@code ./run evaluate} measures how
 * much better this is than the best portrait.
 */
final class PeopleSearch {

    /** Of a person with more the newest count. */
    static final int MAX_PORTRAITS = 100;
    /** Most people have fewer, and then one search finds those of all. */
    private static final int FEW_PORTRAITS = 20;
    /** Portraits of people that are held at once: a document may have a hundred faces, and a face many people near it. */
    private static final int MAX_AT_ONCE = 2_000;
    /** How often a face's nearest portraits are searched for, when a few people have all that were found. */
    private static final int MAX_ROUNDS = 10;

    /**
     * @param name       null for a portrait without one, which counts as a person of its own
     * @param similarity to the mean of the portraits' vectors: a cosine, -1 to 1
     * @param nearest    of their portraits
     * @param tags       of all of their portraits
     */
    record Person(@Nullable String name, double similarity, Portrait nearest, List<String> tags) {}

    /** @param vector the mean of the portraits' */
    private record Template(float[] vector, List<Portrait> portraits) {

        static Template of(Collection<Portrait> portraits) {
            return new Template(Vectors.unitMean(portraits.stream().map(Portrait::vector).toList()), List.copyOf(portraits));
        }

        Person seenBy(float[] face) {
            Portrait nearest = portraits.stream().max(Comparator.comparingDouble(portrait -> portrait.similarity(face))).orElseThrow();
            List<String> tags = portraits.stream().flatMap(portrait -> portrait.tags().stream()).distinct().toList();
            return new Person(nearest.name(), Gallery.rounded(Vectors.dot(vector, face)), nearest, tags);
        }
    }

    /** A face, and what is near it: the portraits of each person, nearest person first; and portraits without a name. */
    private static final class Face {
        private final float[] vector;
        private final Map<String, Set<Portrait>> near = new LinkedHashMap<>();
        private final Set<Portrait> nameless = new LinkedHashSet<>();
        /** By name, those near it that were compared with it and are similar enough. */
        private final Map<String, Person> similar = new HashMap<>();

        private Face(float[] vector) {
            this.vector = Vectors.unit(vector);
        }

        private void add(Portrait portrait) {
            if (portrait.name() == null) {
                nameless.add(portrait);
            } else {
                near.computeIfAbsent(portrait.name(), unused -> new LinkedHashSet<>()).add(portrait);
            }
        }

        private int people() {
            return near.size() + nameless.size();
        }
    }

    private final Client client;
    private final Portraits portraits;
    private final Function<Map<String, Object>, QueryBuilder> parse;
    private final Gallery.Lookup lookup;
    private final List<Object> filters;
    private final double least;
    private final int candidates;

    /**
     * @param least least similarity of a person
     * @param parse makes a query
     */
    PeopleSearch(
        Client client,
        Portraits portraits,
        Function<Map<String, Object>, QueryBuilder> parse,
        Gallery.Lookup lookup,
        String modelId,
        double least
    ) {
        this.client = client;
        this.portraits = portraits;
        this.parse = parse;
        this.lookup = lookup;
        this.filters = new ArrayList<>(lookup.filter());
        this.filters.add(Map.of("term", Map.of("model.id", modelId)));
        this.least = least;
        // The mean puts people in another order than the nearest portrait, so more of them are compared than are wanted.
        this.candidates = 2 * lookup.k();
    }

    /** @param listener gets the people of each face, most similar first */
    void find(List<float[]> vectors, ActionListener<List<List<Person>>> listener) {
        List<Face> faces = vectors.stream().map(Face::new).toList();
        findNear(faces, 1, listener.delegateFailureAndWrap((delegate, unused) -> compare(faces, delegate)));
    }

    /** Finds the portraits near each face, again without the people that were found if these are too few. */
    private void findNear(List<Face> faces, int round, ActionListener<Void> listener) {
        int size = 2 * candidates;
        MultiSearchRequest searches = new MultiSearchRequest();
        faces.forEach(face -> searches.add(request(new SearchSourceBuilder().query(knn(face, size)).size(size))));
        client.multiSearch(searches, listener.delegateFailureAndWrap((delegate, response) -> {
            List<List<Found>> found = found(response);
            portraits.read(distinct(found), delegate.delegateFailureAndWrap((last, read) -> {
                List<Face> crowded = new ArrayList<>();
                for (int i = 0; i < faces.size(); i++) {
                    Face face = faces.get(i);
                    int before = face.people();
                    found.get(i).stream().filter(read::containsKey).forEach(portrait -> face.add(read.get(portrait)));
                    if (found.get(i).size() == size && face.people() < lookup.k() && face.people() > before) {
                        crowded.add(face);
                    }
                }
                if (crowded.isEmpty() || round == MAX_ROUNDS) {
                    last.onResponse(null);
                } else {
                    findNear(crowded, round + 1, last);
                }
            }));
        }));
    }

    /** Reads all portraits of the people near the faces, and compares each face with each person near it. */
    private void compare(List<Face> faces, ActionListener<List<List<Person>>> listener) {
        Set<String> names = faces.stream().flatMap(this::near).collect(Collectors.toCollection(LinkedHashSet::new));
        ActionListener<Void> compared = listener.map(unused -> faces.stream().map(this::people).toList());
        if (names.isEmpty()) {
            compared.onResponse(null);
            return;
        }
        // One search for all of them, unless they have very many portraits together.
        int most = Math.min(names.size() * FEW_PORTRAITS, MAX_AT_ONCE);
        findPortraits(List.of(names), most, compared.delegateFailureAndWrap((delegate, found) -> {
            if (found.size() < most) {
                compare(faces, names, found, delegate);
            } else {
                compareInTurn(faces, groups(names).iterator(), delegate);
            }
        }));
    }

    /** Compares group after group, so that the portraits of one at a time are held. */
    private void compareInTurn(List<Face> faces, Iterator<Set<String>> groups, ActionListener<Void> listener) {
        if (groups.hasNext() == false) {
            listener.onResponse(null);
            return;
        }
        Set<String> names = groups.next();
        findPortraits(
            names.stream().map(Set::of).toList(),
            MAX_PORTRAITS,
            listener.delegateFailureAndWrap(
                (delegate, found) -> compare(
                    faces,
                    names,
                    found,
                    delegate.delegateFailureAndWrap((last, unused) -> compareInTurn(faces, groups, last))
                )
            )
        );
    }

    /** People who have {@link #MAX_AT_ONCE} portraits together, at most. */
    static List<Set<String>> groups(Set<String> names) {
        int size = MAX_AT_ONCE / MAX_PORTRAITS;
        List<String> all = List.copyOf(names);
        List<Set<String>> groups = new ArrayList<>();
        for (int start = 0; start < all.size(); start += size) {
            groups.add(new LinkedHashSet<>(all.subList(start, Math.min(start + size, all.size()))));
        }
        return groups;
    }

    /** Compares each face with those people near it whose names are given. */
    private void compare(List<Face> faces, Set<String> names, List<Found> found, ActionListener<Void> listener) {
        portraits.read(found, listener.map(known -> {
            Map<String, Template> templates = templates(known);
            for (Face face : faces) {
                near(face).filter(names::contains).forEach(name -> {
                    // One whose name cannot be searched for counts with the portraits near the face.
                    Template template = templates.containsKey(name) ? templates.get(name) : Template.of(face.near.get(name));
                    Person person = template.seenBy(face.vector);
                    if (person.similarity() >= least) {
                        face.similar.put(name, person);
                    }
                });
            }
            return null;
        }));
    }

    /** The names of the people near a face that it is compared with, nearest first. */
    private Stream<String> near(Face face) {
        return face.near.keySet().stream().limit(candidates);
    }

    /**
     * @param namesOfSearches for each search the people whose portraits are wanted
     * @param most            of each search, the newest
     */
    private void findPortraits(List<Set<String>> namesOfSearches, int most, ActionListener<List<Found>> listener) {
        MultiSearchRequest searches = new MultiSearchRequest();
        for (Set<String> names : namesOfSearches) {
            List<Object> all = new ArrayList<>(filters);
            all.add(named(names));
            SearchSourceBuilder source = new SearchSourceBuilder().query(parse.apply(Map.of("bool", Map.of("filter", all))))
                .sort(SortBuilders.fieldSort("@timestamp").order(SortOrder.DESC).unmappedType("date"))
                .size(most);
            searches.add(request(source));
        }
        client.multiSearch(searches, listener.map(response -> distinct(found(response))));
    }

    /** By name, of each person the newest portraits. */
    private static Map<String, Template> templates(Map<Found, Portrait> newestFirst) {
        return newestFirst.values()
            .stream()
            .filter(portrait -> portrait.name() != null)
            .collect(
                Collectors.groupingBy(
                    Portrait::name,
                    Collectors.collectingAndThen(Collectors.toList(), all -> Template.of(all.subList(0, Math.min(all.size(), MAX_PORTRAITS))))
                )
            );
    }

    /** Most similar first. */
    private List<Person> people(Face face) {
        Stream<Person> nameless = face.nameless.stream()
            .map(portrait -> Template.of(List.of(portrait)).seenBy(face.vector))
            .filter(person -> person.similarity() >= least);
        return Stream.concat(near(face).map(face.similar::get).filter(Objects::nonNull), nameless)
            .sorted(Comparator.comparingDouble(Person::similarity).reversed())
            .limit(lookup.k())
            .toList();
    }

    private QueryBuilder knn(Face face, int size) {
        List<Object> all = new ArrayList<>(filters);
        if (face.near.isEmpty() == false) {
            all.add(Map.of("bool", Map.of("must_not", named(face.near.keySet()))));
        }
        // The mean is more similar than the best portrait where it is far shorter than 1 before it is scaled, because the portraits differ.
        // With half of the similarity nobody is missed whose portraits have a mean similarity of 0.25 or more to each other.
        double nearest = least > 0 ? least / 2 : least;
        return parse.apply(
            Map.of(
                "knn",
                Map.of(
                    "field",
                    Gallery.VECTOR,
                    "query_vector",
                    face.vector,
                    "k",
                    size,
                    "num_candidates",
                    Math.max(100, 10 * lookup.k()),
                    "similarity",
                    nearest,
                    "filter",
                    all
                )
            )
        );
    }

    /** A query for portraits of these names, as the processor stores them and as a file system of macOS spells them. */
    private static Map<String, Object> named(Set<String> names) {
        Set<String> spellings = new LinkedHashSet<>(names);
        names.stream().map(Names::nfd).forEach(spellings::add);
        return Map.of("terms", Map.of("person.name", List.copyOf(spellings)));
    }

    private FaceSearchRequest request(SearchSourceBuilder source) {
        source.fetchSource(false).seqNoAndPrimaryTerm(true).trackTotalHits(false);
        FaceSearchRequest request = new FaceSearchRequest(lookup.indices());
        request.source(source).allowPartialSearchResults(false);
        return request;
    }

    private static List<List<Found>> found(MultiSearchResponse response) throws Exception {
        List<List<Found>> found = new ArrayList<>();
        for (MultiSearchResponse.Item item : response.getResponses()) {
            if (item.isFailure()) {
                throw item.getFailure();
            }
            found.add(Stream.of(item.getResponse().getHits().getHits()).map((SearchHit hit) -> Found.of(hit)).toList());
        }
        return found;
    }

    private static List<Found> distinct(List<List<Found>> found) {
        return found.stream().flatMap(List::stream).distinct().toList();
    }
}
