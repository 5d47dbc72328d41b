import '../direct-peers.ts';
import '../../native/wake.test.ts';
