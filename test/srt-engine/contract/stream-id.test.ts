import '../direct-peers.ts';
import '../../native/stream-id.test.ts';
