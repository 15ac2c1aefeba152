package org.ingestface.search;

import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import org.elasticsearch.core.Nullable;
import org.elasticsearch.index.query.BoolQueryBuilder;
import org.elasticsearch.index.query.ConstantScoreQueryBuilder;
import org.elasticsearch.index.query.DisMaxQueryBuilder;
import org.elasticsearch.index.query.ExistsQueryBuilder;
import org.elasticsearch.index.query.FuzzyQueryBuilder;
import org.elasticsearch.index.query.GeoBoundingBoxQueryBuilder;
import org.elasticsearch.index.query.GeoDistanceQueryBuilder;
import org.elasticsearch.index.query.IdsQueryBuilder;
import org.elasticsearch.index.query.MatchAllQueryBuilder;
import org.elasticsearch.index.query.MatchNoneQueryBuilder;
import org.elasticsearch.index.query.MatchPhrasePrefixQueryBuilder;
import org.elasticsearch.index.query.MatchPhraseQueryBuilder;
import org.elasticsearch.index.query.MatchQueryBuilder;
import org.elasticsearch.index.query.MultiMatchQueryBuilder;
import org.elasticsearch.index.query.NestedQueryBuilder;
import org.elasticsearch.index.query.PrefixQueryBuilder;
import org.elasticsearch.index.query.QueryBuilder;
import org.elasticsearch.index.query.QueryStringQueryBuilder;
import org.elasticsearch.index.query.RangeQueryBuilder;
import org.elasticsearch.index.query.RegexpQueryBuilder;
import org.elasticsearch.index.query.SimpleQueryStringBuilder;
import org.elasticsearch.index.query.TermQueryBuilder;
import org.elasticsearch.index.query.TermsQueryBuilder;
import org.elasticsearch.index.query.WildcardQueryBuilder;

/**
 * The queries that look only at the documents that are searched. Others, such as {@code terms} with a lookup, read further indices: with the
 * plugin's rights that would be any index.
 */
final class OwnIndexQueries {

    private static final Set<Class<? extends QueryBuilder>> LEAVES = Set.of(
        ExistsQueryBuilder.class,
        FuzzyQueryBuilder.class,
        GeoBoundingBoxQueryBuilder.class,
        GeoDistanceQueryBuilder.class,
        IdsQueryBuilder.class,
        MatchAllQueryBuilder.class,
        MatchNoneQueryBuilder.class,
        MatchPhrasePrefixQueryBuilder.class,
        MatchPhraseQueryBuilder.class,
        MatchQueryBuilder.class,
        MultiMatchQueryBuilder.class,
        PrefixQueryBuilder.class,
        QueryStringQueryBuilder.class,
        RangeQueryBuilder.class,
        RegexpQueryBuilder.class,
        SimpleQueryStringBuilder.class,
        TermQueryBuilder.class,
        WildcardQueryBuilder.class
    );

    private OwnIndexQueries() {}

    /** The name of the first query in this one that may look elsewhere; null if there is none. */
    @Nullable
    static String other(QueryBuilder query) {
        if (LEAVES.contains(query.getClass()) || query instanceof TermsQueryBuilder terms && terms.termsLookup() == null) {
            return null;
        }
        List<QueryBuilder> inner = inner(query);
        return inner == null
            ? query.getName()
            : inner.stream().map(OwnIndexQueries::other).filter(name -> name != null).findFirst().orElse(null);
    }

    /** The queries in a compound one; null if it is none. */
    @Nullable
    private static List<QueryBuilder> inner(QueryBuilder query) {
        if (query instanceof BoolQueryBuilder bool) {
            return Stream.of(bool.must(), bool.should(), bool.filter(), bool.mustNot()).flatMap(List::stream).toList();
        }
        if (query instanceof DisMaxQueryBuilder disMax) {
            return disMax.innerQueries();
        }
        if (query instanceof ConstantScoreQueryBuilder constant) {
            return List.of(constant.innerQuery());
        }
        return query instanceof NestedQueryBuilder nested ? List.of(nested.query()) : null;
    }
}
