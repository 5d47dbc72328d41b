import '../direct-peers.ts';
import '../../native/limits.test.ts';
