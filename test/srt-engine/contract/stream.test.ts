import '../direct-peers.ts';
import '../../native/stream.test.ts';
