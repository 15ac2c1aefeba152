package org.ingestface.endpoint;

import static org.elasticsearch.common.settings.Setting.Property.Dynamic;
import static org.elasticsearch.common.settings.Setting.Property.NodeScope;

import java.util.List;

import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.unit.ByteSizeValue;
import org.elasticsearch.core.TimeValue;

/**
 * The settings {@code face.batch.*} and {@code face.queue.*}: limits of this node for each endpoint. Documents and searches are counted
 * separately.
 *
 * @param size       most photos in one request
 * @param bytes      most bytes of photos in one request, unless a single photo is larger
 * @param linger     longest time that a document's photo waits for its batch to fill while a request could be sent
 * @param inFlight   most requests in progress to one endpoint
 * @param queueSize  most photos queued for one endpoint
 * @param queueBytes most bytes of photos that are queued or in progress, all endpoints together; answers have an equal limit
 */
record BatchSettings(int size, long bytes, TimeValue linger, int inFlight, int queueSize, long queueBytes) {

    static final Setting<Integer> SIZE = Setting.intSetting("face.batch.size", 16, 1, 64, NodeScope, Dynamic);
    static final Setting<ByteSizeValue> BYTES = Setting.byteSizeSetting("face.batch.bytes", ByteSizeValue.ofMb(16), NodeScope, Dynamic);
    static final Setting<TimeValue> LINGER = Setting.timeSetting(
        "face.batch.linger",
        TimeValue.timeValueMillis(5),
        TimeValue.ZERO,
        TimeValue.timeValueSeconds(10),
        NodeScope,
        Dynamic
    );
    static final Setting<Integer> IN_FLIGHT = Setting.intSetting("face.batch.in_flight", 4, 1, 256, NodeScope, Dynamic);
    static final Setting<Integer> QUEUE_SIZE = Setting.intSetting("face.queue.size", 1_000, 1, NodeScope, Dynamic);
    static final Setting<ByteSizeValue> QUEUE_BYTES = Setting.memorySizeSetting("face.queue.bytes", "10%", NodeScope, Dynamic);

    static final List<Setting<?>> SETTINGS = List.of(SIZE, BYTES, LINGER, IN_FLIGHT, QUEUE_SIZE, QUEUE_BYTES);

    static BatchSettings read(Settings settings) {
        return new BatchSettings(
            SIZE.get(settings),
            BYTES.get(settings).getBytes(),
            LINGER.get(settings),
            IN_FLIGHT.get(settings),
            QUEUE_SIZE.get(settings),
            QUEUE_BYTES.get(settings).getBytes()
        );
    }
}
