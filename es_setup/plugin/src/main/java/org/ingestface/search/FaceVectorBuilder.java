package org.ingestface.search;

import static org.elasticsearch.xcontent.ConstructingObjectParser.constructorArg;
import static org.elasticsearch.xcontent.ConstructingObjectParser.optionalConstructorArg;

import java.io.IOException;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Stream;

import org.elasticsearch.TransportVersion;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.client.internal.Client;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.io.stream.StreamInput;
import org.elasticsearch.common.io.stream.StreamOutput;
import org.elasticsearch.core.Nullable;
import org.elasticsearch.index.query.AbstractQueryBuilder;
import org.elasticsearch.index.query.BoolQueryBuilder;
import org.elasticsearch.index.query.QueryBuilder;
import org.elasticsearch.index.query.QueryBuilders;
import org.elasticsearch.plugins.SearchPlugin.QueryVectorBuilderSpec;
import org.elasticsearch.search.vectors.QueryVectorBuilder;
import org.elasticsearch.xcontent.ConstructingObjectParser;
import org.elasticsearch.xcontent.ObjectParser.ValueType;
import org.elasticsearch.xcontent.ParseField;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.XContentParseException;
import org.elasticsearch.xcontent.XContentParser;
import org.ingestface.common.Messages;
import org.ingestface.endpoint.FaceClient;

/**
 * The query vector builder {@code face}: replaces the {@code query_vector} of a kNN search by the vector of a face in a photo
 * ({@link PhotoQuery}) or in a stored document ({@link StoredFaceQuery}). Runs once for each search, on the node that receives it.
 */
public final class FaceVectorBuilder implements QueryVectorBuilder {

    /** The builder's name in a search. */
    private static final String NAME = "face";

    /** A face by its id or by its 0-based position. */
    private record FaceChoice(@Nullable String faceId, @Nullable Integer position) {

        static final FaceChoice LARGEST = new FaceChoice(null, null);

        static FaceChoice parse(XContentParser parser) throws IOException {
            return parser.currentToken() == XContentParser.Token.VALUE_NUMBER
                ? new FaceChoice(null, parsePosition(parser))
                : new FaceChoice(parser.text(), null);
        }

        static void declare(ConstructingObjectParser<?, Void> parser) {
            parser.declareField(optionalConstructorArg(), (json, context) -> parse(json), new ParseField("face"), ValueType.VALUE);
        }
    }

    private record Document(String index, String id, FaceChoice face) {

        static final ConstructingObjectParser<Document, Void> PARSER = new ConstructingObjectParser<>(
            "document",
            args -> new Document((String) args[0], (String) args[1], args[2] == null ? FaceChoice.LARGEST : (FaceChoice) args[2])
        );

        static {
            PARSER.declareString(constructorArg(), new ParseField("index"));
            PARSER.declareField(constructorArg(), (parser, context) -> parser.text(), new ParseField("id"), ValueType.VALUE);
            FaceChoice.declare(PARSER);
        }
    }

    private record Filter(String index, QueryBuilder query, FaceChoice face) {

        static final ConstructingObjectParser<Filter, Void> PARSER = new ConstructingObjectParser<>(
            "filter",
            args -> new Filter((String) args[0], (QueryBuilder) args[1], args[2] == null ? FaceChoice.LARGEST : (FaceChoice) args[2])
        );

        static {
            PARSER.declareString(constructorArg(), new ParseField("index"));
            PARSER.declareField(constructorArg(), (parser, context) -> parseQuery(parser), new ParseField("query"), ValueType.OBJECT_ARRAY);
            FaceChoice.declare(PARSER);
        }

        /** One query, or an array of queries that must all match, as Kibana inserts a dashboard's filters. Their scores are added. */
        private static QueryBuilder parseQuery(XContentParser parser) throws IOException {
            if (parser.currentToken() != XContentParser.Token.START_ARRAY) {
                return AbstractQueryBuilder.parseTopLevelQuery(parser);
            }
            BoolQueryBuilder all = QueryBuilders.boolQuery();
            while (parser.nextToken() != XContentParser.Token.END_ARRAY) {
                if (parser.currentToken() != XContentParser.Token.START_OBJECT) {
                    throw new IllegalArgumentException("[query] must be a query or an array of queries");
                }
                all.must(AbstractQueryBuilder.parseTopLevelQuery(parser));
            }
            return all.hasClauses() ? all : QueryBuilders.matchAllQuery();
        }
    }

    /** The options of all three forms, as parsed. */
    private record Options(String image, Integer face, String endpoint, String model, Document document, Filter filter, String target) {

        static final ConstructingObjectParser<Options, Void> PARSER = new ConstructingObjectParser<>(
            NAME,
            args -> new Options(
                (String) args[0],
                (Integer) args[1],
                (String) args[2],
                (String) args[3],
                (Document) args[4],
                (Filter) args[5],
                (String) args[6]
            )
        );

        static {
            PARSER.declareString(optionalConstructorArg(), new ParseField("image"));
            PARSER.declareField(
                optionalConstructorArg(),
                (parser, context) -> parsePosition(parser),
                new ParseField("face"),
                ValueType.INT
            );
            PARSER.declareString(optionalConstructorArg(), new ParseField("endpoint"));
            PARSER.declareString(optionalConstructorArg(), new ParseField("model"));
            PARSER.declareObject(optionalConstructorArg(), Document.PARSER, new ParseField("document"));
            PARSER.declareObject(optionalConstructorArg(), Filter.PARSER, new ParseField("filter"));
            PARSER.declareString(optionalConstructorArg(), new ParseField("target_field"));
        }

        FaceVectorBuilder builder(Supplier<FaceClient> client) {
            if (Stream.of(image, document, filter).filter(Objects::nonNull).count() != 1) {
                throw new IllegalArgumentException("[face] requires exactly one of [image], [document] and [filter]");
            }
            if (image != null) {
                if (target != null) {
                    throw new IllegalArgumentException("[target_field] requires [document] or [filter]; it says where their faces are");
                }
                PhotoQuery photo = new PhotoQuery(image, face, endpoint == null ? "default" : endpoint, model);
                return new FaceVectorBuilder(photo, null, client);
            }
            String form = document != null ? "document" : "filter";
            if (face != null) {
                throw new IllegalArgumentException(
                    "[face] requires [image]; to choose a face of [" + form + "], put [face] into [" + form + "]"
                );
            }
            if (target != null && target.isBlank()) {
                throw new IllegalArgumentException("[target_field] cannot be empty; leave it out for the top of the document");
            }
            if (endpoint != null) {
                throw new IllegalArgumentException("[endpoint] requires [image]; [" + form + "] uses no endpoint");
            }
            return new FaceVectorBuilder(null, document != null ? byId() : byFilter(), client);
        }

        private StoredFaceQuery byId() {
            FaceChoice choice = document.face();
            return new StoredFaceQuery(document.index(), document.id(), null, choice.faceId(), choice.position(), model, target);
        }

        private StoredFaceQuery byFilter() {
            FaceChoice choice = filter.face();
            return new StoredFaceQuery(filter.index(), null, filter.query(), choice.faceId(), choice.position(), model, target);
        }
    }

    private final PhotoQuery photo;
    private final StoredFaceQuery stored;
    private final Supplier<FaceClient> client;

    /** Exactly one of {@code photo} and {@code stored} is not null. */
    FaceVectorBuilder(@Nullable PhotoQuery photo, @Nullable StoredFaceQuery stored, Supplier<FaceClient> client) {
        this.photo = photo;
        this.stored = stored;
        this.client = client;
    }

    private FaceVectorBuilder(StreamInput in, Supplier<FaceClient> client) throws IOException {
        this(in.readOptionalWriteable(PhotoQuery::read), in.readOptionalWriteable(StoredFaceQuery::read), client);
    }

    /** @param client supplied when a search runs, since a builder is parsed before the node's services exist */
    public static QueryVectorBuilderSpec<FaceVectorBuilder> spec(Supplier<FaceClient> client) {
        return new QueryVectorBuilderSpec<>(
            NAME,
            in -> new FaceVectorBuilder(in, client),
            (parser, context) -> parse(parser, client)
        );
    }

    /**
     * Fails with only the innermost reason, because Elasticsearch would show one of the {@code failed to parse field} around it as the
     * {@code root_cause}.
     */
    private static FaceVectorBuilder parse(XContentParser parser, Supplier<FaceClient> client) {
        try {
            return Options.PARSER.apply(parser, null).builder(client);
        } catch (IllegalArgumentException e) {
            IllegalArgumentException innermost = e;
            while (innermost.getCause() instanceof IllegalArgumentException cause) {
                innermost = cause;
            }
            throw innermost instanceof XContentParseException
                ? innermost
                : new XContentParseException(parser.getTokenLocation(), innermost.getMessage());
        }
    }

    @Override
    public void buildVector(Client caller, ActionListener<float[]> listener) {
        if (photo != null) {
            photo.vector(client.get(), listener);
        } else {
            stored.vector(caller, listener);
        }
    }

    @Override
    public String getWriteableName() {
        return NAME;
    }

    @Override
    public TransportVersion getMinimalSupportedVersion() {
        // Any version. minimumCompatible() and zero() are missing in 8.19.0 and 9.1.0.
        return TransportVersion.fromId(0);
    }

    @Override
    public void writeTo(StreamOutput out) throws IOException {
        out.writeOptionalWriteable(photo);
        out.writeOptionalWriteable(stored);
    }

    @Override
    public XContentBuilder toXContent(XContentBuilder builder, Params params) throws IOException {
        builder.startObject();
        (photo != null ? photo : stored).toXContent(builder, params);
        return builder.endObject();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FaceVectorBuilder that && Objects.equals(photo, that.photo) && Objects.equals(stored, that.stored);
    }

    @Override
    public int hashCode() {
        return Objects.hash(photo, stored);
    }

    /** As {@link #toXContent}: without the photo. */
    @Override
    public String toString() {
        return Strings.toString(this);
    }

    private static int parsePosition(XContentParser parser) throws IOException {
        // Not intValue, which reads 0.7 as 0.
        String sent = parser.text();
        int position;
        try {
            position = Integer.parseInt(sent);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("[face] must be an integer but was [" + Messages.shorten(sent) + "]");
        }
        if (position < 0) {
            throw new IllegalArgumentException("[face] must be 0 or greater but was [" + position + "]");
        }
        return position;
    }
}
