import '../direct-peers.ts';
import '../../native/slow-player.test.ts';
